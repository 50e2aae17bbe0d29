fn main() {
    cynic_codegen::register_schema("roster")
        .from_sdl_file("../../schema.graphql")
        .expect("schema.graphql is valid")
        .as_default()
        .expect("one schema is registered");
}
