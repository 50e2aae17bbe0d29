//! Typed ids: a UUID of version 7 inside, `prefix_` and 26 characters of Crockford base32 outside.

use serde::{Deserialize, Serialize};
use ulid::Ulid;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            pub struct $name(pub Uuid);

            impl $name {
                /// What the text form starts with.
                pub const PREFIX: &str = $prefix;

                /// Reads the text form; `None` for anything else, other types' ids included.
                pub fn parse(text: &str) -> Option<Self> {
                    parse(Self::PREFIX, text).map(Self)
                }
            }

            impl std::fmt::Display for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    write(Self::PREFIX, self.0, f)
                }
            }
        )*
    };
}

ids! {
    /// Id of a person.
    UserId = "usr";
    /// Id of an organization.
    OrganizationId = "org";
    /// Id of a person's membership in an organization.
    OrganizationMemberId = "mem";
    /// Id of a project.
    ProjectId = "prj";
    /// Id of a person's membership in a project.
    ProjectMemberId = "pme";
    /// Id of a team.
    TeamId = "tea";
    /// Id of a person's, or an invitee's, membership in a team.
    TeamMemberId = "tme";
    /// Id of a role.
    RoleId = "rol";
    /// Id of an invitation.
    InvitationId = "inv";
    /// Id of an API key.
    ApiKeyId = "key";
}

fn write(prefix: &str, id: Uuid, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    let mut buffer = [0; ulid::ULID_LEN];
    let text = Ulid::from_bytes(id.into_bytes()).array_to_str(&mut buffer);
    text.make_ascii_lowercase();
    write!(f, "{prefix}_{text}")
}

/// One id has one text form: upper case and other spellings that base32 would tolerate are refused.
fn parse(prefix: &str, text: &str) -> Option<Uuid> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?;
    let ulid = Ulid::from_string(digits).ok()?;
    let same = ulid.to_string().to_ascii_lowercase() == digits;
    same.then(|| Uuid::from_bytes(ulid.to_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let id = OrganizationId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00ff));
        let text = id.to_string();
        assert_eq!(text.len(), 30);
        assert_eq!(OrganizationId::parse(&text), Some(id));
        assert_eq!(ProjectId::parse(&text), None);
        assert_eq!(OrganizationId::parse(&text.to_uppercase()), None);
        assert_eq!(OrganizationId::parse("org_zzzzzzzzzzzzzzzzzzzzzzzzzz"), None);
        assert_eq!(OrganizationId::parse("org_"), None);
        assert_eq!(OrganizationId::parse(""), None);
    }

    proptest! {
        #[test]
        fn every_id_is_read_again(id: u128) {
            let id = TeamId(Uuid::from_u128(id));
            prop_assert_eq!(TeamId::parse(&id.to_string()), Some(id));
        }

        #[test]
        fn what_is_read_was_written_so(text in prop_oneof!["\\PC{0,40}", "tea_[0-9a-zA-Z]{25,27}", "tea_[0-7][0-9a-hjkmnp-tv-z]{25}"]) {
            if let Some(id) = TeamId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
