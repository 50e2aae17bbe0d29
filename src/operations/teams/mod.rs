//! Changes of teams.

mod create;
mod delete;
mod leave;
mod update;

pub use create::{Create, may_create};
pub use delete::{Delete, Deleted};
pub use leave::{Leave, Left};
pub use update::Update;

use crate::{
    domain::{slug::Slug, team},
    error::{Code, Refusal},
};

fn checked_color(color: &str) -> Result<String, Refusal> {
    let message = "A colour is written #RRGGBB, in hexadecimal digits.";
    team::color(color).ok_or_else(|| Refusal::new(Code::Invalid, message).at(["color"]))
}

fn taken(slug: &Slug) -> Refusal {
    Refusal::new(Code::Taken, format!("The organization has a team {slug} already.")).at(["slug"])
}
