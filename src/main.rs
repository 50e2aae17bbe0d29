fn main() {
    print!("{}", roster::graphql::sdl());
}
