//! Phone numbers, in the one form in which they are kept.

use std::fmt;

use phonenumber::Mode;

/// Longest input, in bytes: an international number has at most 15 digits, the rest is decoration.
const INPUT_MAX: usize = 40;

/// A number that the numbering plan of its country knows, in the form of E.164: `+4930123456`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl Phone {
    /// Reads a number in its international form, with `+` and the code of the country; spaces and the usual
    /// punctuation may stand in it. `None` for everything else: without a country there is no telling which
    /// number is meant.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let usual = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '/' | '(' | ')');
        let is_international =
            text.len() <= INPUT_MAX && text.strip_prefix('+').is_some_and(|rest| rest.chars().all(usual));
        let number = is_international.then(|| phonenumber::parse(None, text).ok()).flatten()?;
        number.is_valid().then(|| Self(number.format().mode(Mode::E164).to_string()))
    }

    /// A number that [`Self::parse`] has made before.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        Phone::parse(text).map(|phone| phone.to_string())
    }

    #[test]
    fn one_number_has_one_form() {
        for same in ["+49 30 901820", "+4930901820", " +49 (30) 90-18-20 ", "+49/30/901820", "+49.30.901820"] {
            assert_eq!(read(same).as_deref(), Some("+4930901820"), "{same}");
        }
        assert_eq!(read("+1 650-253-0000").as_deref(), Some("+16502530000"));
        // A leading zero of an Italian number is a part of it.
        assert_eq!(read("+39 06 6982 0000").as_deref(), Some("+390669820000"));
        // What was kept reads as itself.
        assert_eq!(read(&read("+44 20 7946 0958").unwrap()).as_deref(), Some("+442079460958"));
    }

    #[test]
    fn refuses_what_nobody_can_call_from_elsewhere() {
        for bad in [
            "",
            "+",
            "030 901820",
            "0049 30 901820",
            "4930901820",
            "+49",
            "+49 1",
            "+1 555",
            "+999 1234567",
            "+1 650-253-00000000",
            "+1 800 FLOWERS",
            "+49 30 901820 ext. 5",
            "tel:+49-30-901820",
            "+49 30 901820\u{202e}",
            "++49 30 901820",
            &format!("+49 30{}901820", " ".repeat(30)),
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
