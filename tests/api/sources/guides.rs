//! The guides are whole: every call has its case, its block and its place in the table.

use std::{fs, path::Path};

use chrono::TimeDelta;
use serde_json::Value;

use super::{Guide, Reader, block, folder, with_email};
use crate::support::codes;

const GUIDES: [&str; 3] = ["members-and-invitations", "organizations-and-teams", "group-members"];

#[test]
fn every_call_has_one_case_named_after_it() {
    for name in GUIDES {
        let file = format!("tests/api/sources/{}.rs", name.replace('-', "_"));
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        let guide = Guide::open(name);
        for (heading, _) in &guide.calls {
            let case = heading.split('(').next().unwrap().replace('.', "_");
            let found: Vec<&str> = source.split(&format!("]\nasync fn {case}() {{\n")).skip(1).collect();
            assert_eq!(found.len(), 1, "{case} is not in {file} once");
            let body = found[0].split("\n}\n").next().unwrap();
            assert!(
                body.contains(&format!(".call(\"{heading}\")")),
                "{case} does not send what stands under {heading}"
            );
        }
        assert_eq!(source.matches("#[tokio::test").count(), guide.calls.len(), "{file} has cases for no call");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guide_can_be_pasted_from_top_to_bottom() {
    for name in GUIDES {
        let reader = Reader::of(name).await;
        let mut listed = Value::Null;
        for (heading, text) in &reader.guide.calls {
            let mut call = reader.call(heading).by(reader.person(reader.guide.person()));
            if call.variables.is_object() {
                call = call.of(with_email(&listed, &whose(text)));
            }
            let answer = call.answer().await;
            let refusals = answer.get("userErrors").map(codes).unwrap_or_default();
            assert!(refusals.is_empty(), "{heading}: {refusals:?}");
            let lists = ["invitations", "members"].into_iter().filter_map(|list| answer.get(list));
            listed = lists.map(|list| list["nodes"].clone()).next().unwrap_or(listed);
            // Nobody pastes faster.
            reader.roster.wait(TimeDelta::minutes(1));
        }
        reader.roster.assert_counters().await;
    }
}

/// The address of the person whose id the reader is told to take.
fn whose(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = words.split_once("take ").and_then(|(_, rest)| rest.split_once("'s.")).expect("a person").0;
    format!("{}@example.com", name.to_lowercase())
}

#[test]
fn the_table_leads_to_every_call() {
    let table = fs::read_to_string(folder().join("README.md")).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| [")).collect();
    let mut expected = Vec::new();
    for name in GUIDES {
        assert!(table.contains(&format!("]({name}.md)")), "{name} is not linked");
        for (heading, text) in Guide::open(name).calls {
            let kept = |c: &char| c.is_ascii_alphanumeric() || " _-".contains(*c);
            let anchor: String = heading.to_lowercase().chars().filter(kept).collect();
            let link = format!("| [`{heading}`]({name}.md#{})", anchor.replace(' ', "-"));
            let row = rows.iter().find(|row| row.starts_with(&link)).unwrap_or_else(|| panic!("{link} is not there"));
            let field = row.rsplit('`').nth(1).unwrap().rsplit('.').next().unwrap();
            let query = block(&text, "graphql").unwrap();
            assert!(query.contains(&format!("{field}(")) || query.contains(&format!("{field} {{")), "{row}");
            expected.push(*row);
        }
    }
    assert_eq!(rows, expected, "the rows stand in the order of the guides");
}
