//! Changes of teams.

mod create;
mod delete;
mod leave;
mod update;

pub use create::{Create, may_create};
pub use delete::{Delete, Deleted};
pub use leave::{Leave, Left};
pub use update::{Patch, Update};

use super::input::text_refusal;
use crate::{
    domain::{
        slug::Slug,
        team,
        text::{self, DESCRIPTION_MAX},
    },
    error::{Code, Refusal},
};

fn checked_name(name: &str) -> Result<String, Refusal> {
    text::name(name).map_err(|error| text_refusal(&error).at(["name"]))
}

/// A description; one that is blank is none.
fn checked_description(description: Option<&str>) -> Result<Option<String>, Refusal> {
    let written = description.filter(|text| !text.trim().is_empty());
    let checked = written.map(|text| text::paragraph(text, DESCRIPTION_MAX)).transpose();
    checked.map_err(|error| text_refusal(&error).at(["description"]))
}

fn checked_color(color: &str) -> Result<String, Refusal> {
    let message = "A colour is written #RRGGBB, in hexadecimal digits.";
    team::color(color).ok_or_else(|| Refusal::new(Code::Invalid, message).at(["color"]))
}

fn taken(slug: &Slug) -> Refusal {
    Refusal::new(Code::Taken, format!("The organization has a team {slug} already.")).at(["slug"])
}
