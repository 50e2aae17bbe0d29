//! What members of a team can be, and the colours of teams.

text_enum! {
    /// Role in a team.
    pub enum TeamMemberRole {
        /// Manages the members of the team.
        Lead = "LEAD",
        /// Ordinary member.
        Member = "MEMBER",
    }
}

impl TeamMemberRole {
    /// Place in lists: leads first.
    pub fn rank(self) -> i16 {
        self as i16
    }
}

/// Colours that new teams get: far enough apart to be told from each other, and readable behind white text.
pub const PALETTE: [&str; 12] = [
    "#2563EB", "#DC2626", "#16803C", "#7C3AED", "#C2410C", "#0E7490", "#BE185D", "#4D7C0F", "#4338CA", "#A16207",
    "#0F766E", "#9333EA",
];

/// A colour in its one form, `#RRGGBB` in upper case.
pub fn color(text: &str) -> Option<String> {
    let digits = text.trim().strip_prefix('#')?;
    let is_hex = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| format!("#{}", digits.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_have_one_form() {
        assert_eq!(color(" #2563eb "), Some("#2563EB".to_owned()));
        for bad in ["2563EB", "#2563E", "#2563EBF", "#25 3EB", "red", ""] {
            assert_eq!(color(bad), None, "{bad}");
        }
        assert!(PALETTE.iter().all(|known| color(known).as_deref() == Some(*known)));
    }
}
