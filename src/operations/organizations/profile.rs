//! What the profile of an organization may say, whether it is created or changed.

use url::Url;

use super::super::input::wanted_slug;
use crate::{
    domain::{email::Email, industry, phone::Phone, slug::Slug},
    error::{Code, Refusal},
};

/// Longest address of a page or picture, in bytes.
const ADDRESS_MAX: usize = 2048;

/// A slug that an organization may have.
///
/// # Errors
/// `INVALID` when it is malformed or reserved.
pub fn slug(text: &str) -> Result<Slug, Refusal> {
    let slug = wanted_slug(text)?;
    if slug.is_reserved() {
        return Err(Refusal::new(Code::Invalid, format!("{slug} is reserved; take another.")).at(["slug"]));
    }
    Ok(slug)
}

/// The slug is or was another's.
pub fn taken(slug: &Slug) -> Refusal {
    Refusal::new(Code::Taken, format!("{slug} is or was the slug of an organization.")).at(["slug"])
}

/// An address on the web that can be shown to everybody.
///
/// # Errors
/// `INVALID`.
pub fn web_address(text: &str) -> Result<String, Refusal> {
    let refused = |why: &'static str| Refusal::new(Code::Invalid, why);
    let absolute = "Give an absolute address that starts with https:// or http://, of at most 2048 bytes.";
    let url = Url::parse(text.trim()).map_err(|_not_a_url| refused(absolute))?;
    if !matches!(url.scheme(), "http" | "https") || url.as_str().len() > ADDRESS_MAX {
        return Err(refused(absolute));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("An address that everybody sees has no user name and no password in it."));
    }
    Ok(url.into())
}

/// The key of an industry.
///
/// # Errors
/// `INVALID`.
pub fn industry(key: &str) -> Result<String, Refusal> {
    let found = industry::find(key.trim()).map(|industry| industry.key.to_owned());
    found.ok_or_else(|| Refusal::new(Code::Invalid, "There is no industry with this key; `industries` lists all."))
}

/// An address for mail.
///
/// # Errors
/// `INVALID`.
pub fn email(text: &str) -> Result<Email, Refusal> {
    Email::parse(text).ok_or_else(|| Refusal::new(Code::Invalid, "This is no e-mail address."))
}

/// A phone number.
///
/// # Errors
/// `INVALID`.
pub fn phone(text: &str) -> Result<Phone, Refusal> {
    let message = "This is no phone number in its international form, such as +49 30 901820.";
    Phone::parse(text).ok_or_else(|| Refusal::new(Code::Invalid, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_the_web_and_carry_no_credentials() {
        for (given, kept) in [
            ("https://example.com/logo.png?v=2#a", "https://example.com/logo.png?v=2#a"),
            (" HTTP://Example.COM ", "http://example.com/"),
            ("https://bücher.example", "https://xn--bcher-kva.example/"),
        ] {
            assert_eq!(web_address(given).unwrap(), kept);
        }
        let long = format!("https://example.com/{}", "x".repeat(2048));
        for bad in [
            "",
            "example.com",
            "//example.com",
            "https://",
            "ftp://example.com",
            "javascript:alert(1)",
            "https://user@example.com",
            "https://user:secret@example.com",
            "https://:secret@example.com",
            &long,
        ] {
            assert_eq!(web_address(bad).unwrap_err().code, Code::Invalid, "{bad}");
        }
    }
}
