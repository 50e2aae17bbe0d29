//! Items of pages, written as JSON where all that is asked for of them is at hand.
//!
//! The library resolves each field by a future of its own and keeps its answer in a tree. For the rows of a page, most
//! of which is text that has been read already, that takes several times as long as to write the text down.

use std::{borrow::Cow, fmt::Display, io::Write};

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value,
    dataloader::DataLoader,
    parser::types::{Field, Selection},
    registry::Registry,
};
use async_graphql_value::RAW_VALUE_TOKEN;
use serde::Serialize;

use super::{context::Reader, list::List};

/// An object that can write some of its fields itself: those that ask nobody, and cannot fail. They say the same as
/// their resolvers.
pub trait AtHand: OutputType {
    /// Writes the value of a field, if it is at hand.
    fn write(&self, _field: &Field, _to: &mut Writer<'_>) -> Option<()> {
        None
    }
}

impl<T: AtHand> AtHand for &T {
    fn write(&self, field: &Field, to: &mut Writer<'_>) -> Option<()> {
        T::write(self, field, to)
    }
}

/// JSON under way. What cannot be written leaves it unfit for use.
pub struct Writer<'a> {
    /// Who reads.
    pub reader: &'a Reader,
    json: Vec<u8>,
}

impl Writer<'_> {
    /// Adds a value.
    pub fn value(&mut self, value: &(impl Serialize + ?Sized)) -> Option<()> {
        serde_json::to_writer(&mut self.json, value).ok()
    }

    /// Adds text in which nothing has to be escaped: an id, a name of the schema.
    pub fn word(&mut self, word: impl Display) -> Option<()> {
        write!(self.json, "\"{word}\"").ok()
    }

    /// Adds what a field selects of an object.
    pub fn object<T: AtHand>(&mut self, object: &T, field: &Field) -> Option<()> {
        let mut before = b'{';
        for selection in &field.selection_set.node.items {
            // Documents come here with the fragments of objects resolved.
            let Selection::Field(Positioned { node: field, .. }) = &selection.node else { return None };
            self.json.push(before);
            self.word(&field.response_key().node)?;
            self.json.push(b':');
            match field.name.node.as_str() {
                "__typename" => self.word(T::type_name())?,
                _ => object.write(field, self)?,
            }
            before = b',';
        }
        self.json.push(b'}');
        Some(())
    }
}

/// The items of a page.
pub struct Items<T>(List<T>);

impl<T> FromIterator<T> for Items<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: AtHand> Items<T> {
    fn written(&self, reader: &Reader, field: &Field) -> Option<String> {
        let mut writer = Writer { reader, json: Vec::with_capacity(self.0.0.len() * 256) };
        writer.json.push(b'[');
        for (index, item) in self.0.0.iter().enumerate() {
            if index > 0 {
                writer.json.push(b',');
            }
            writer.object(item, field)?;
        }
        writer.json.push(b']');
        String::from_utf8(writer.json).ok()
    }
}

impl<T: AtHand> OutputType for Items<T> {
    fn type_name() -> Cow<'static, str> {
        List::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        List::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        List::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let reader = ctx.data_unchecked::<DataLoader<Reader>>().loader();
        let written = if reader.merges { None } else { self.written(reader, &field.node) };
        match written {
            Some(json) => Ok(Value::Object([(Name::new(RAW_VALUE_TOKEN), Value::String(json))].into_iter().collect())),
            None => self.0.resolve(ctx, field).await,
        }
    }
}
