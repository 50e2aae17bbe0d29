//! Slugs: names for addresses, `[a-z0-9]` with inner hyphens.

use std::fmt;

use super::text::fold;

/// Shortest and longest slug, in characters.
pub const LENGTH: std::ops::RangeInclusive<usize> = 2..=48;

/// Slugs that products use as paths of their own.
const RESERVED: [&str; 22] = [
    "admin",
    "api",
    "app",
    "auth",
    "dashboard",
    "dev",
    "docs",
    "graphiql",
    "graphql",
    "help",
    "invitations",
    "login",
    "logout",
    "me",
    "new",
    "null",
    "roster",
    "settings",
    "static",
    "support",
    "undefined",
    "www",
];

/// A slug that is well formed and, for an organization, not reserved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slug(String);

impl Slug {
    /// Reads a slug as typed: trimmed and in lower case, otherwise unchanged.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let well_formed = LENGTH.contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--");
        well_formed.then_some(Self(text))
    }

    /// A slug made from a name, `suffix` appended where it is not empty. Names without a usable letter
    /// give `fallback`.
    pub fn from_name(name: &str, fallback: &str, suffix: &str) -> Self {
        let words: Vec<String> = fold(name)
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        let mut base = words.join("-");
        if base.len() < *LENGTH.start() {
            fallback.clone_into(&mut base);
        }
        base.truncate(LENGTH.end() - if suffix.is_empty() { 0 } else { suffix.len() + 1 });
        let base = base.trim_end_matches('-');
        if suffix.is_empty() { Self(base.to_owned()) } else { Self(format!("{base}-{suffix}")) }
    }

    /// Whether an organization may not have it.
    pub fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.0.as_str())
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_the_documented_form() {
        for good in ["ab", "acme", "acme-2", "Acme"] {
            assert!(Slug::parse(good).is_some(), "{good}");
        }
        for bad in ["a", "", "-acme", "acme-", "ac--me", "ac me", "ácme", &"x".repeat(49)] {
            assert_eq!(Slug::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn is_made_from_names_of_every_kind() {
        let made = |name: &str| Slug::from_name(name, "organization", "").0;
        assert_eq!(made("Acme, Inc."), "acme-inc");
        assert_eq!(made("Müller & Söhne"), "muller-sohne");
        assert_eq!(made("株式会社"), "organization");
        assert_eq!(made(&"word ".repeat(30)).len(), 48);
        assert_eq!(Slug::from_name("Acme", "organization", "x7k2").0, "acme-x7k2");
        for name in ["Acme", "!!", &"é ".repeat(80)] {
            assert!(Slug::parse(&Slug::from_name(name, "organization", "abcd").0).is_some());
        }
    }
}
