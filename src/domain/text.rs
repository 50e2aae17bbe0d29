//! Text that people type: names, descriptions, messages; and the folding that sorts and searches them.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextError {
    /// Nothing is left after trimming.
    Blank,
    /// Longer than this many characters.
    TooLong(usize),
    /// Contains a control character or a mark that changes the direction of writing.
    Unprintable,
}

/// Longest name of an organization or project, in characters.
pub const NAME_MAX: usize = 100;
/// Longest name of a role or an API key, in characters.
pub const SHORT_NAME_MAX: usize = 60;
/// Longest description, in characters.
pub const DESCRIPTION_MAX: usize = 2000;
/// Longest personal message of an invitation, in characters.
pub const MESSAGE_MAX: usize = 1000;

/// A name on one line, 1–[`NAME_MAX`] characters, trimmed.
pub fn name(text: &str) -> Result<String, TextError> {
    checked(text, NAME_MAX, false)
}

/// A name on one line, 1–[`SHORT_NAME_MAX`] characters, trimmed.
pub fn short_name(text: &str) -> Result<String, TextError> {
    checked(text, SHORT_NAME_MAX, false)
}

/// Text of any number of lines, 1–`max` characters, trimmed.
pub fn paragraph(text: &str, max: usize) -> Result<String, TextError> {
    checked(text, max, true)
}

fn checked(text: &str, max: usize, lines: bool) -> Result<String, TextError> {
    let text: String = text.trim().nfc().collect();
    if text.is_empty() {
        return Err(TextError::Blank);
    }
    if text.chars().count() > max {
        return Err(TextError::TooLong(max));
    }
    if text.chars().any(|c| is_unprintable(c) && !(lines && matches!(c, '\n' | '\r' | '\t'))) {
        return Err(TextError::Unprintable);
    }
    Ok(text)
}

/// Control characters, and the marks that reorder text so that it reads as something it is not.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The form in which names are sorted and searched: without case, without accents.
pub fn fold(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_kept_printable() {
        assert_eq!(name("  Acme  "), Ok("Acme".to_owned()));
        assert_eq!(name(" \t "), Err(TextError::Blank));
        assert_eq!(name(&"x".repeat(101)), Err(TextError::TooLong(100)));
        assert_eq!(name("two\nlines"), Err(TextError::Unprintable));
        assert_eq!(name("evil\u{202e}txt"), Err(TextError::Unprintable));
        assert_eq!(paragraph("two\nlines", 20), Ok("two\nlines".to_owned()));
    }

    #[test]
    fn folding_ignores_case_and_accents() {
        assert_eq!(fold("Ångström ÉCOLE"), "angstrom ecole");
        assert_eq!(fold("ﬁne"), "fine");
    }
}
