//! Changes of some fields of something: what is absent stays, null clears, and all problems are reported together.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::error::{Code, Error, Refusal, Result};

/// Most characters of a text that an event repeats.
const REPEATED_MAX: usize = 200;

/// What a change says of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing.
    Keep,
    /// That it becomes empty.
    Clear,
    /// Its new value.
    Set(T),
}

impl Patch<String> {
    /// For fields that hold no empty text: to send one clears them.
    #[must_use]
    pub fn blank_clears(&self) -> Self {
        match self {
            Self::Set(text) if text.trim().is_empty() => Self::Clear,
            other => other.clone(),
        }
    }
}

/// The problems of an input.
#[derive(Debug, Default)]
pub struct Problems(Vec<Refusal>);

impl Problems {
    /// The value of a field, unless there is a problem with it.
    pub fn check<T>(&mut self, field: &'static str, checked: Result<T, Refusal>) -> Option<T> {
        checked.map_err(|refusal| self.0.push(refusal.at([field]))).ok()
    }

    /// That there are none.
    ///
    /// # Errors
    /// Refused for all of them.
    pub fn none(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Refused(self.0)) }
    }
}

/// A change of some fields: its problems, and what it changes.
#[derive(Debug, Default)]
pub struct Edit {
    problems: Problems,
    before: Map<String, Value>,
    after: Map<String, Value>,
}

impl Edit {
    /// Notes a problem, if there is one.
    pub fn check(&mut self, field: &'static str, checked: Result<(), Refusal>) {
        self.problems.check(field, checked);
    }

    /// The new value of a field that is never empty.
    pub fn required<I, T: Clone + PartialEq + Display>(
        &mut self,
        field: &'static str,
        patch: &Patch<I>,
        current: &T,
        check: impl FnOnce(&I) -> Result<T, Refusal>,
    ) -> T {
        let checked = match patch {
            Patch::Keep => return current.clone(),
            Patch::Clear => Err(Refusal::new(Code::Blank, "This cannot be empty; leave it out to keep it.")),
            Patch::Set(input) => check(input),
        };
        let new = self.problems.check(field, checked).unwrap_or_else(|| current.clone());
        self.note(field, Some(current), Some(&new));
        new
    }

    /// The new value of a field that may be empty.
    pub fn optional<I, T: Clone + PartialEq + Display>(
        &mut self,
        field: &'static str,
        patch: &Patch<I>,
        current: Option<&T>,
        check: impl FnOnce(&I) -> Result<T, Refusal>,
    ) -> Option<T> {
        let new = match patch {
            Patch::Keep => return current.cloned(),
            Patch::Clear => None,
            Patch::Set(input) => self.problems.check(field, check(input)),
        };
        self.note(field, current, new.as_ref());
        new
    }

    fn note<T: PartialEq + Display>(&mut self, field: &'static str, before: Option<&T>, after: Option<&T>) {
        if before != after {
            self.before.insert(field.to_owned(), repeated(before));
            self.after.insert(field.to_owned(), repeated(after));
        }
    }

    /// What the event tells of the change; nothing when it changes nothing.
    ///
    /// # Errors
    /// Refused for all problems that were noted.
    pub fn end(self) -> Result<Option<Map<String, Value>>> {
        self.problems.none()?;
        let change =
            [("before".to_owned(), self.before.into()), ("after".to_owned(), Value::Object(self.after.clone()))];
        Ok((!self.after.is_empty()).then(|| change.into_iter().collect()))
    }
}

/// A value as an event repeats it: the beginning of a long text is enough.
fn repeated<T: Display>(value: Option<&T>) -> Value {
    let Some(text) = value.map(ToString::to_string) else { return Value::Null };
    match text.char_indices().nth(REPEATED_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn short(text: &str) -> Result<String, Refusal> {
        if text.len() < 500 { Ok(text.to_owned()) } else { Err(Refusal::new(Code::TooLong, "")) }
    }

    #[test]
    fn absent_stays_and_null_clears() {
        let mut edit = Edit::default();
        let (name, site) = ("Acme".to_owned(), "https://acme.example".to_owned());
        assert_eq!(edit.required("name", &Patch::<String>::Keep, &name, |text| short(text)), "Acme");
        assert_eq!(edit.required("name", &Patch::Set(name.clone()), &name, |text| short(text)), "Acme");
        assert_eq!(edit.optional("logo", &Patch::<String>::Keep, Some(&site), |text| short(text)), Some(site.clone()));
        assert_eq!(edit.end().unwrap(), None);

        let mut edit = Edit::default();
        assert_eq!(edit.required("name", &Patch::Set("Ace".to_owned()), &name, |text| short(text)), "Ace");
        assert_eq!(edit.optional("site", &Patch::<String>::Clear, Some(&site), |text| short(text)), None);
        assert_eq!(
            edit.optional("text", &Patch::Set("é".repeat(201)), None, |text| short(text)),
            Some("é".repeat(201))
        );
        let change = edit.end().unwrap().unwrap();
        let text = format!("{}…", "é".repeat(200));
        assert_eq!(
            Value::Object(change),
            json!({ "before": { "name": "Acme", "site": site, "text": null }, "after": { "name": "Ace", "site": null, "text": text } })
        );
    }

    #[test]
    fn all_problems_are_told() {
        let mut edit = Edit::default();
        edit.required("name", &Patch::<String>::Clear, &"Acme".to_owned(), |text| short(text));
        edit.optional("text", &Patch::Set("x".repeat(500)), None, |text| short(text));
        let Err(Error::Refused(refusals)) = edit.end() else { panic!("not refused") };
        let told: Vec<_> = refusals.iter().map(|refusal| (refusal.code, refusal.path.concat())).collect();
        assert_eq!(told, [(Code::Blank, "name".to_owned()), (Code::TooLong, "text".to_owned())]);
    }

    #[test]
    fn blank_text_clears() {
        assert_eq!(Patch::Set(" \n".to_owned()).blank_clears(), Patch::Clear);
        assert_eq!(Patch::Set(" a".to_owned()).blank_clears(), Patch::Set(" a".to_owned()));
        assert_eq!(Patch::<String>::Keep.blank_clears(), Patch::Keep);
    }
}
