//! Pages of lists, as Relay knows them: arguments, cursors, edges.

use std::borrow::Cow;

use async_graphql::{Context, Lookahead, Object, SimpleObject, TypeName, parser::types::Field};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike, Utc};
use uuid::Uuid;

use super::{
    at_hand::{AtHand, Items, Writer},
    request_hash::request_hash,
};
use crate::{
    domain::secret::sha256,
    error::{Error, Result},
    store::paging::{self, End, Key, Page, Position, Slice},
};

/// Items of a page when neither `first` nor `last` is given.
pub const DEFAULT_PAGE: i32 = 25;
/// Most items of a page.
pub const MAX_PAGE: i32 = paging::MAX_PAGE.cast_signed();
const MAX_OFFSET: i32 = 10_000;

/// Names of the paging arguments in the schema.
pub const PAGE_ARGUMENTS: [&str; 5] = ["first", "after", "last", "before", "offset"];

/// The paging arguments of a field.
#[derive(Clone, Debug, Default)]
pub struct PageArguments {
    /// First *n*.
    pub first: Option<i32>,
    /// Only after this cursor.
    pub after: Option<String>,
    /// Last *n*.
    pub last: Option<i32>,
    /// Only before this cursor.
    pub before: Option<String>,
    /// Skip *n*.
    pub offset: Option<i32>,
}

/// Shows which list, filter and order a cursor belongs to.
pub type Fingerprint = [u8; 4];

/// The fingerprint of the list that is being resolved, which is a field of `parent`.
pub fn fingerprint(ctx: &Context<'_>, parent: &str) -> Result<Fingerprint> {
    request_hash(ctx, parent).map(start_of)
}

impl PageArguments {
    /// The page that is asked for.
    ///
    /// # Errors
    /// `BadInput` for sizes out of range, arguments that exclude each other and cursors of other lists.
    pub fn page(&self, fingerprint: Fingerprint) -> Result<Page> {
        let bad = |text: String| Err(Error::BadInput(text));
        let (size, end) = match (self.first, self.last) {
            (Some(_), Some(_)) => return bad("Give `first` or `last`, not both.".to_owned()),
            (None, Some(last)) => (last, End::Last),
            (first, None) => (first.unwrap_or(DEFAULT_PAGE), End::First),
        };
        if !(0..=MAX_PAGE).contains(&size) {
            let name = if end == End::First { "first" } else { "last" };
            return bad(format!("`{name}` is {size}; it must be from 0 to {MAX_PAGE}."));
        }
        let offset = self.offset.unwrap_or(0);
        if !(0..=MAX_OFFSET).contains(&offset) {
            return bad(format!(
                "`offset` is {offset}; it must be from 0 to {MAX_OFFSET}. Page on with `after` instead."
            ));
        }
        if end == End::Last && self.offset.is_some() {
            return bad("`offset` counts from the start: it goes with `first`, not with `last`.".to_owned());
        }
        let cursor = |name: &str, cursor: &Option<String>| match cursor {
            None => Ok(None),
            Some(text) => read_cursor(text, fingerprint).map(Some).ok_or_else(|| {
                Error::BadInput(format!("`{name}` is no cursor of this list: a cursor holds for one order and filter."))
            }),
        };
        Ok(Page {
            limit: size.unsigned_abs(),
            end,
            offset: offset.unsigned_abs(),
            after: cursor("after", &self.after)?,
            before: cursor("before", &self.before)?,
            ends: true,
            places: true,
            entries: false,
        })
    }
}

/// What the field that is being resolved asks for of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// Its items, or where it sits in the list.
    pub rows: Rows,
    /// Where it sits in the list.
    pub page_info: bool,
    /// Where its items stand.
    pub cursors: bool,
    /// How long the list is.
    pub total: bool,
}

/// How much is asked for of the rows of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Nothing.
    None,
    /// What a part of each tells.
    Entries,
    /// All of each.
    Whole,
}

impl Asked {
    /// What is asked for here. `entry` are the fields of items that a part of their rows tells.
    pub fn by(ctx: &Context<'_>, entry: &[&str]) -> Self {
        let fields = ctx.look_ahead();
        let asks = |name| fields.field(name).exists();
        let page_info = asks("pageInfo");
        let items = [fields.field("nodes"), fields.field("edges").field("node")];
        let is_of_entry = |name: &str| name == "__typename" || entry.contains(&name);
        let mut items = items.iter().flat_map(Lookahead::selection_fields);
        let rows = if !page_info && !asks("nodes") && !asks("edges") {
            Rows::None
        } else if !entry.is_empty() && items.all(|item| item.selection_set().all(|field| is_of_entry(field.name()))) {
            Rows::Entries
        } else {
            Rows::Whole
        };
        let cursors = page_info || fields.field("edges").field("cursor").exists();
        Self { rows, page_info, cursors, total: asks("totalCount") }
    }
}

/// A cursor is the position behind a seal that says which list it is of. Nothing is lost when somebody forges
/// one, as it leads only to what they may see; what is damaged or of another list is told from what is whole.
fn write_cursor(position: &Position, list: Fingerprint) -> String {
    let mut place = position.id.as_bytes().to_vec();
    match &position.key {
        Key::Text(text) => {
            place.push(b't');
            place.extend_from_slice(text.as_bytes());
        }
        Key::Time(time) => {
            place.push(b'd');
            place.extend_from_slice(&time.timestamp_micros().to_be_bytes());
        }
        Key::Rank(rank) => {
            place.push(b'r');
            place.extend_from_slice(&rank.to_be_bytes());
        }
        Key::Number(number) => {
            place.push(b'n');
            place.extend_from_slice(&number.to_be_bytes());
        }
    }
    URL_SAFE_NO_PAD.encode([&seal(&place, list), &place[..]].concat())
}

fn read_cursor(text: &str, list: Fingerprint) -> Option<Position> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (found, place) = bytes.split_first_chunk()?;
    if *found != seal(place, list) {
        return None;
    }
    let (id, rest) = place.split_first_chunk::<16>()?;
    let (kind, key) = rest.split_first()?;
    let key = match kind {
        b't' => Key::Text(String::from_utf8(key.to_vec()).ok().filter(|text| !text.contains('\0'))?),
        b'd' => {
            let time = DateTime::<Utc>::from_timestamp_micros(i64::from_be_bytes(key.try_into().ok()?))?;
            Key::Time(Some(time).filter(|time| (0..10_000).contains(&time.year()))?)
        }
        b'r' => Key::Rank(i16::from_be_bytes(key.try_into().ok()?)),
        b'n' => Key::Number(i32::from_be_bytes(key.try_into().ok()?)),
        _ => return None,
    };
    Some(Position { key, id: Uuid::from_bytes(*id) })
}

fn seal(place: &[u8], list: Fingerprint) -> Fingerprint {
    start_of(sha256(&[&list, place].concat()))
}

fn start_of([first, second, third, fourth, ..]: [u8; 32]) -> Fingerprint {
    [first, second, third, fourth]
}

/// Position of a page in its list.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// More items exist after `endCursor`.
    has_next_page: bool,
    /// More items exist before `startCursor`.
    has_previous_page: bool,
    /// Cursor of the first item, null on an empty page.
    start_cursor: Option<String>,
    /// Cursor of the last item, null on an empty page.
    end_cursor: Option<String>,
}

/// One page of a list.
pub struct Connection<T> {
    edges: Vec<Edge<T>>,
    has_next: bool,
    has_previous: bool,
    total: Option<i64>,
}

/// One item of a list.
pub struct Edge<T> {
    place: Option<Position>,
    list: Fingerprint,
    node: T,
}

impl<T> Connection<T> {
    /// A page of the list with this fingerprint.
    pub fn new(slice: Slice<T>, list: Fingerprint, total: Option<i64>) -> Self {
        let (has_next, has_previous) = (slice.has_next, slice.has_previous);
        let edge = |(place, node)| Edge { place, list, node };
        Self { edges: slice.rows.into_iter().map(edge).collect(), has_next, has_previous, total }
    }
}

impl<T> Edge<T> {
    fn write_cursor(&self) -> Result<String> {
        let place = self.place.as_ref().ok_or_else(|| Error::internal("a place was not read"))?;
        Ok(write_cursor(place, self.list))
    }
}

impl<T: AtHand> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

impl<T: AtHand> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

/// One page of a list.
#[Object(name_type)]
impl<T: AtHand> Connection<T> {
    /// Edges of this page, never null.
    async fn edges(&self) -> Items<&Edge<T>> {
        self.edges.iter().collect()
    }

    /// Shortcut for `edges { node }`.
    async fn nodes(&self) -> Items<&T> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// Where this page sits in the list.
    #[expect(clippy::unused_async, reason = "as the macro wants it")]
    async fn page_info(&self) -> Result<PageInfo> {
        Ok(PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.has_previous,
            start_cursor: self.edges.first().map(Edge::write_cursor).transpose()?,
            end_cursor: self.edges.last().map(Edge::write_cursor).transpose()?,
        })
    }

    /// Matches for the filter, ignoring `first`, `after`, `last`, `before` and `offset`. Counted only when selected.
    #[expect(clippy::unused_async, reason = "as the macro wants it")]
    async fn total_count(&self) -> Result<i32> {
        let total = self.total.ok_or_else(|| Error::internal("a total was not counted"))?;
        Ok(i32::try_from(total).unwrap_or(i32::MAX))
    }
}

/// One item of a list.
#[Object(name_type)]
impl<T: AtHand> Edge<T> {
    /// Opaque position of this item; valid only with the same `orderBy` and `filter`.
    #[expect(clippy::unused_async, reason = "as the macro wants it")]
    async fn cursor(&self) -> Result<String> {
        self.write_cursor()
    }

    /// The item.
    async fn node(&self) -> &T {
        &self.node
    }
}

impl<T: AtHand> AtHand for Edge<T> {
    fn write(&self, field: &Field, to: &mut Writer<'_>) -> Option<()> {
        match field.name.node.as_str() {
            "cursor" => to.word(self.write_cursor().ok()?),
            "node" => to.object(&self.node, field),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cursors_are_read_as_they_were_written() {
        // Clients keep them, so they stay as they are.
        for (key, written) in [
            (Key::Text("ångström".to_owned()), "fAcoTQAAAAAAAAAAAAAAAAAAAAd0w6VuZ3N0csO2bQ"),
            (Key::Time(DateTime::from_timestamp_micros(1_234_567).unwrap()), "yNkthgAAAAAAAAAAAAAAAAAAAAdkAAAAAAAS1oc"),
            (Key::Rank(-3), "FrqYEAAAAAAAAAAAAAAAAAAAAAdy__0"),
            (Key::Number(1 << 20), "zEja_QAAAAAAAAAAAAAAAAAAAAduABAAAA"),
        ] {
            let position = Position { key, id: Uuid::from_u128(7) };
            assert_eq!(write_cursor(&position, [1, 2, 3, 4]), written);
            assert_eq!(read_cursor(written, [1, 2, 3, 5]), None);
            assert_eq!(read_cursor(written, [1, 2, 3, 4]), Some(position));
        }
        for bad in ["", "?", "AAAA", &URL_SAFE_NO_PAD.encode([0; 21]), &URL_SAFE_NO_PAD.encode([b'd'; 22])] {
            assert_eq!(read_cursor(bad, [1, 2, 3, 4]), None, "{bad}");
        }
    }

    #[test]
    fn sizes_out_of_range_are_refused_not_clamped() {
        let arguments = PageArguments::default;
        assert_eq!(arguments().page([0; 4]).unwrap().limit, 25);
        for bad in [
            PageArguments { first: Some(101), ..arguments() },
            PageArguments { first: Some(-1), ..arguments() },
            PageArguments { first: Some(1), last: Some(1), ..arguments() },
            PageArguments { offset: Some(10_001), ..arguments() },
            PageArguments { last: Some(1), offset: Some(0), ..arguments() },
            PageArguments { after: Some("x".to_owned()), ..arguments() },
        ] {
            assert!(matches!(bad.page([0; 4]), Err(Error::BadInput(_))), "{bad:?}");
        }
    }

    fn keys() -> impl Strategy<Value = Key> {
        prop_oneof![
            "[^\0]{0,60}".prop_map(Key::Text),
            (-1_000_000_000_000_i64..4_000_000_000_000_000)
                .prop_map(|micros| Key::Time(DateTime::from_timestamp_micros(micros).unwrap())),
            any::<i16>().prop_map(Key::Rank),
            any::<i32>().prop_map(Key::Number),
        ]
    }

    proptest! {
        #[test]
        fn every_position_is_read_again(key in keys(), id: u128, list: [u8; 4]) {
            let position = Position { key, id: Uuid::from_u128(id) };
            prop_assert_eq!(read_cursor(&write_cursor(&position, list), list), Some(position));
        }

        #[test]
        fn what_is_no_cursor_is_refused(text in prop_oneof!["\\PC{0,80}", "[A-Za-z0-9_-]{0,200}"], list: [u8; 4]) {
            prop_assert_eq!(read_cursor(&text, list), None);
        }

        /// Damaged on its way.
        #[test]
        fn a_changed_cursor_is_refused(key in keys(), id: u128, at: prop::sample::Index, to in "[A-Za-z0-9_-]") {
            let cursor = write_cursor(&Position { key, id: Uuid::from_u128(id) }, [1; 4]);
            let at = at.index(cursor.len());
            let changed = format!("{}{to}{}", &cursor[..at], &cursor[at + 1..]);
            prop_assume!(changed != cursor);
            prop_assert_eq!(read_cursor(&changed, [1; 4]), None);
        }
    }
}
