//! Pure rules, and values that cannot be wrong once built. No database, no clock, no GraphQL.

/// An enum whose values have one stored text each.
macro_rules! text_enum {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$value_doc])* $value,)* }

        impl $name {
            /// All values, in order.
            pub const ALL: &[Self] = &[$(Self::$value),*];

            /// The stored text.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }

            /// The value with this stored text.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$value),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub mod email;
pub mod event;
pub mod id;
pub mod industry;
pub mod invitation;
pub mod organization;
pub mod phone;
pub mod role;
pub mod secret;
pub mod slug;
pub mod team;
pub mod text;
