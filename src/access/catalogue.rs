//! The operator's own permissions, from a file.

use std::{borrow::Cow, ops::Range};

use serde::Deserialize;
use toml::Spanned;

use super::permission::{Definition, MAX_OWN, Permission};
use crate::domain::{
    role::{BuiltInRole, RoleScope},
    text::{self, TextError},
};

/// Longest key of a permission, in characters.
const KEY_MAX: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    permission: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: Spanned<String>,
    scope: Scope,
    name: Spanned<String>,
    description: Spanned<String>,
    group: Spanned<String>,
    #[serde(default)]
    roles: Vec<Holder>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scope {
    Organization,
    Project,
}

/// The built-in roles that the file can give a permission to; Owner has all of them.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Holder {
    Admin,
    Member,
    Viewer,
}

/// Reads a catalogue of permissions.
///
/// # Errors
/// All that is wrong with it, a line of text for each, with the number of the line it stands in.
pub fn read(source: &str) -> Result<Vec<Definition>, Vec<String>> {
    let file: File = toml::from_str(source).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(source, &span));
        vec![format!("line {line}: {}", error.message())]
    })?;
    let mut problems = Vec::new();
    let mut first_lines: Vec<(&str, usize)> = Vec::new();
    for entry in &file.permission {
        let (key, line) = (entry.key.get_ref().as_str(), line_of(source, &entry.key.span()));
        if !is_key(key) {
            problems.push(format!(
                "line {line}: {key:?} is no key; write `dataset.write`: words of a–z, 0–9 and _ with dots between them, at most {KEY_MAX} characters"
            ));
        } else if Permission::parse(key).is_some() {
            problems.push(format!("line {line}: {key} is a permission of Roster itself; take another key"));
        }
        match first_lines.iter().find(|(known, _)| *known == key) {
            Some((_, first)) => problems.push(format!("line {line}: {key} stands in line {first} already")),
            None => first_lines.push((key, line)),
        }
        let told = |text: &Spanned<String>, problem: TextError| {
            format!("line {}: {}", line_of(source, &text.span()), told(&problem))
        };
        for line in [&entry.name, &entry.group] {
            problems.extend(text::name(line.get_ref()).err().map(|problem| told(line, problem)));
        }
        let description = text::paragraph(entry.description.get_ref(), text::DESCRIPTION_MAX);
        problems.extend(description.err().map(|problem| told(&entry.description, problem)));
    }
    if file.permission.len() > MAX_OWN {
        problems.push(format!("there are {} permissions; {MAX_OWN} fit", file.permission.len()));
    }
    if problems.is_empty() { Ok(file.permission.into_iter().map(definition).collect()) } else { Err(problems) }
}

fn definition(entry: Entry) -> Definition {
    let held = entry.roles.iter().map(|holder| match holder {
        Holder::Admin => BuiltInRole::Admin,
        Holder::Member => BuiltInRole::Member,
        Holder::Viewer => BuiltInRole::Viewer,
    });
    Definition {
        key: entry.key.into_inner().into(),
        scope: match entry.scope {
            Scope::Organization => RoleScope::Organization,
            Scope::Project => RoleScope::Project,
        },
        name: entry.name.get_ref().trim().to_owned().into(),
        description: entry.description.get_ref().trim().to_owned().into(),
        group: entry.group.get_ref().trim().to_owned().into(),
        roles: Cow::Owned(std::iter::once(BuiltInRole::Owner).chain(held).collect()),
        built_in: false,
    }
}

fn told(problem: &TextError) -> String {
    match problem {
        TextError::Blank => "text is needed here".to_owned(),
        TextError::TooLong(max) => format!("at most {max} characters fit here"),
        TextError::Unprintable => {
            "control characters, line breaks in a name, and marks that change the direction of writing cannot be shown"
                .to_owned()
        }
    }
}

fn is_key(key: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    key.len() <= KEY_MAX && key.contains('.') && key.split('.').all(is_word)
}

fn line_of(source: &str, span: &Range<usize>) -> usize {
    source.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[permission]]
key = "dataset.write"
scope = "project"
name = "Write datasets"
description = "Create and change datasets."
group = "Datasets"
roles = ["admin", "member"]
"#;

    #[test]
    fn a_permission_is_held_by_its_roles_and_by_the_owner() {
        let read = read(GOOD).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].roles, [BuiltInRole::Owner, BuiltInRole::Admin, BuiltInRole::Member].as_slice());
        assert!(!read[0].built_in);
        assert_eq!(super::read("").unwrap(), []);
    }

    /// The example stands in the documentation once, and is held against the code here.
    #[test]
    fn the_example_of_the_documentation_is_a_catalogue() {
        let page = include_str!("../../docs/permissions.md");
        let (_, example) = page.split_once("```toml\n").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        let read = read(example).unwrap();
        let keys: Vec<&str> = read.iter().map(|definition| definition.key.as_ref()).collect();
        assert_eq!(keys, ["dataset.read", "dataset.write", "billing.view"]);
        assert_eq!(read[2].scope, RoleScope::Organization);
    }

    #[test]
    fn more_than_fit_are_too_many() {
        let entry = |n: usize| GOOD.replace("dataset.write", &format!("dataset.write{n}"));
        let fitting: String = (0..MAX_OWN).map(entry).collect();
        assert_eq!(read(&fitting).unwrap().len(), MAX_OWN);
        let problems = read(&format!("{fitting}{}", entry(MAX_OWN))).unwrap_err();
        assert_eq!(problems, ["there are 257 permissions; 256 fit"]);
    }

    #[test]
    fn every_problem_is_told_with_its_line() {
        let problems = |source: &str| read(source).unwrap_err();
        let twice = format!("{GOOD}{GOOD}");
        assert_eq!(problems(&twice), ["line 11: dataset.write stands in line 3 already"]);
        let taken = GOOD.replace("dataset.write", "members.manage");
        assert_eq!(problems(&taken), ["line 3: members.manage is a permission of Roster itself; take another key"]);
        let unknown = GOOD.replace("group =", "heading =");
        assert!(problems(&unknown)[0].starts_with("line 7: unknown field `heading`"), "{:?}", problems(&unknown));
        let role = GOOD.replace("\"member\"", "\"owner\"");
        assert!(problems(&role)[0].starts_with("line 8: unknown variant `owner`"), "{:?}", problems(&role));
        let shouted = GOOD.replace("dataset.write", "Dataset Write").replace("\"Write datasets\"", "\"\"");
        assert_eq!(problems(&shouted).len(), 2);
        assert_eq!(problems(&shouted)[1], "line 5: text is needed here");
        let two_lines = GOOD.replace("\"Datasets\"", "\"Data\\nsets\"");
        assert!(problems(&two_lines)[0].starts_with("line 7: control characters"), "{:?}", problems(&two_lines));
        let long = GOOD.replace("Create and change datasets.", &"x".repeat(2001));
        assert_eq!(problems(&long), ["line 6: at most 2000 characters fit here"]);
        let broken = GOOD.replace("\"project\"", "project");
        assert!(problems(&broken)[0].starts_with("line 4: "), "{:?}", problems(&broken));
    }
}
