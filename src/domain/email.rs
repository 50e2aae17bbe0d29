//! E-mail addresses, in the one form in which two of them are compared.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::text::is_unprintable;

/// An address: trimmed, NFC, lower case, domain in ASCII. Dots and plus signs are kept as they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    /// Reads an address of at most 254 bytes (RFC 5321, 4.5.3.1). `None` for what no mail server takes.
    pub fn parse(text: &str) -> Option<Self> {
        let text = Self::part(text);
        let (local, domain) = text.rsplit_once('@')?;
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        let email = format!("{local}@{domain}");
        (email.len() <= 254 && is_local_part(local) && is_domain(&domain)).then_some(Self(email))
    }

    /// An address that [`Self::parse`] has made before.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// A part of an address, in the form in which it stands in one.
    pub fn part(text: &str) -> String {
        // Lower case may be no NFC any more: İ becomes an i with a dot, which changes places with other marks.
        text.trim().nfc().flat_map(char::to_lowercase).nfc().collect()
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `a•••@example.com`: enough to recognize one's own address, not enough to learn another's.
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        let first: String = local.chars().take(1).collect();
        format!("{first}•••@{domain}")
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The address of a person, as it is stored with them and in their memberships. None, once it passed to somebody else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Address(Option<Email>);

impl Address {
    /// No address.
    pub const NONE: Self = Self(None);

    /// The address, if there is one.
    pub fn get(&self) -> Option<&Email> {
        self.0.as_ref()
    }

    /// The address as text; empty without one.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", Email::as_str)
    }

    /// What [`Self::as_str`] has made before.
    pub(crate) fn from_stored(text: String) -> Self {
        Self((!text.is_empty()).then(|| Email::from_stored(text)))
    }
}

impl From<Email> for Address {
    fn from(email: Email) -> Self {
        Self(Some(email))
    }
}

/// Dot-atoms only; quoted local parts are legal, and used by nobody but attackers of parsers.
fn is_local_part(local: &str) -> bool {
    let allowed = |c: char| {
        if c.is_ascii() {
            c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
        } else {
            !is_unprintable(c) && !c.is_whitespace()
        }
    };
    (1..=64).contains(&local.len())
        && local.chars().all(allowed)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.') && domain.split('.').all(|label| (1..=63).contains(&label.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_address_has_one_form() {
        for same in ["Bob@Example.com", "  bob@example.COM ", "bob@example.com"] {
            assert_eq!(Email::parse(same).unwrap().as_str(), "bob@example.com");
        }
        assert_eq!(Email::parse("a@bücher.example").unwrap().as_str(), "a@xn--bcher-kva.example");
        assert_eq!(Email::parse("İ\u{316}@example.com"), Email::parse("i\u{307}\u{316}@example.com"));
        assert_ne!(Email::parse("b.ob+x@example.com"), Email::parse("bob@example.com"));
    }

    #[test]
    fn refuses_what_no_server_takes() {
        for bad in [
            "",
            "bob",
            "@example.com",
            "bob@",
            "bob@example",
            "b b@example.com",
            "bob@exa mple.com",
            ".b@example.com",
            "b..b@example.com",
            "bob@example..com",
            "bob@example.com\r\nBcc: x@example.com",
            "\"b\"@example.com",
            "bob\u{202e}@example.com",
            "bob@-example.com",
        ] {
            assert_eq!(Email::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Email::parse(&format!("{}@example.com", "x".repeat(65))), None);
    }

    #[test]
    fn masks_all_but_the_first_character() {
        assert_eq!(Email::parse("bob@example.com").unwrap().masked(), "b•••@example.com");
    }

    proptest! {
        /// Whatever is read has its form already, and nothing in it that a letter to it could break on.
        #[test]
        fn what_is_read_stays_as_it_is(
            text in prop_oneof!["\\PC{0,20}", "\\PC{1,12}@\\PC{1,12}\\.\\PC{1,5}", "[A-Za-z0-9.+ÅåİıẞſΣςǅ\u{300}-\u{340}]{1,20}@[a-zA-Zßİ.-]{1,20}\\.com"]
        ) {
            if let Some(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Some(email.clone()));
                prop_assert_eq!(Email::parse(&format!(" {email} \r\n")), Some(email.clone()));
                prop_assert!(!email.as_str().chars().any(|c| c.is_whitespace() || is_unprintable(c)));
                prop_assert_eq!(email.as_str().matches('@').count(), 1);
            }
        }
    }
}
