//! An operation as the library executes it: values in place of variables, without what is skipped, and with objects
//! of which each field stands once.
//!
//! The library resolves a field as often as it is written and merges the answers: that is slower, would make a mutation
//! twice, and cannot be done with what is written as JSON ([`at_hand`](super::super::at_hand)); of a subscription it
//! sees only what is not in a fragment. An argument whose variable has no value it takes for null, where the
//! specification wants the default.

use std::collections::HashMap;

use apollo_compiler::{
    Node,
    ast::Type,
    executable::{DirectiveList, Field, Operation, Selection, SelectionSet, Value as Literal},
    response::{JsonMap, JsonValue},
    schema::ExtendedType,
};
use async_graphql::{
    Name, Number, Pos, Positioned, Value,
    parser::types::{self, DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, TypeCondition},
};

use super::{Document, schema};

/// An operation, ready to run.
pub struct Bound {
    /// As the library takes it. The places of its fields are bytes of the text, which [`Places`] makes lines and columns
    /// of: only errors need them.
    pub document: ExecutableDocument,
    /// Whether something may stand in it twice. Where an object is meant each field stands once; but which fragments
    /// of an interface go together is known when it is resolved.
    pub merges: bool,
}

/// Makes an operation of a document ready to run with these variables, whose values fit their types.
///
/// # Errors
/// A sentence about a variable that is null where that is no value.
pub fn bind(document: &Document, operation: &Operation, variables: &JsonMap) -> Result<Bound, String> {
    let mut bind = Bind { document, variables, merges: false };
    let operation = OperationDefinition {
        ty: kind(operation),
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set: bind.set(&operation.selection_set)?,
    };
    let operations = DocumentOperations::Single(placeless(operation));
    let document = ExecutableDocument { operations, fragments: HashMap::new() };
    Ok(Bound { document, merges: bind.merges })
}

/// What an operation is.
pub fn kind(operation: &Operation) -> OperationType {
    if operation.is_mutation() {
        OperationType::Mutation
    } else if operation.is_subscription() {
        OperationType::Subscription
    } else {
        OperationType::Query
    }
}

struct Bind<'a> {
    document: &'a Document,
    variables: &'a JsonMap,
    merges: bool,
}

impl<'a> Bind<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Result<Positioned<types::SelectionSet>, String> {
        let mut items = Vec::with_capacity(set.selections.len());
        if schema().get_object(&set.ty).is_some() {
            self.collect(set, &mut items)?;
        } else {
            self.of_abstract(set, &mut items)?;
        }
        Ok(placeless(types::SelectionSet { items }))
    }

    /// The fields of an object, through all fragments, which are about it: nothing else is valid there.
    fn collect(&mut self, set: &'a SelectionSet, items: &mut Vec<Positioned<types::Selection>>) -> Result<(), String> {
        for selection in &set.selections {
            if self.is_skipped(selection.directives())? {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    let field = self.field(field)?;
                    self.add(items, field);
                }
                Selection::InlineFragment(fragment) => self.collect(&fragment.selection_set, items)?,
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.valid.fragments.get(&spread.fragment_name) {
                        self.collect(&fragment.selection_set, items)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts two selections of the same field together.
    fn merge(&mut self, known: &mut types::Field, other: types::Field) {
        let known = &mut known.selection_set.node.items;
        for item in other.selection_set.node.items {
            match item.node {
                types::Selection::Field(field) => self.add(known, field),
                fragment => {
                    self.merges = true;
                    known.push(placeless(fragment));
                }
            }
        }
    }

    fn add(&mut self, items: &mut Vec<Positioned<types::Selection>>, field: Positioned<types::Field>) {
        let key = &field.node.response_key().node;
        let known = items.iter_mut().find_map(|item| match &mut item.node {
            types::Selection::Field(known) if known.node.response_key().node == *key => Some(known),
            _ => None,
        });
        match known {
            Some(known) => self.merge(&mut known.node, field.node),
            None => items.push(placeless(types::Selection::Field(field))),
        }
    }

    /// What is selected of an interface.
    fn of_abstract(
        &mut self,
        set: &'a SelectionSet,
        items: &mut Vec<Positioned<types::Selection>>,
    ) -> Result<(), String> {
        let mut fragments = 0;
        for selection in &set.selections {
            if self.is_skipped(selection.directives())? {
                continue;
            }
            let fragment = match selection {
                Selection::Field(field) => {
                    items.push(placeless(types::Selection::Field(self.field(field)?)));
                    continue;
                }
                Selection::InlineFragment(fragment) => &fragment.selection_set,
                Selection::FragmentSpread(spread) => match self.document.valid.fragments.get(&spread.fragment_name) {
                    Some(fragment) => &fragment.selection_set,
                    None => continue,
                },
            };
            fragments += 1;
            items.push(placeless(types::Selection::InlineFragment(placeless(types::InlineFragment {
                type_condition: Some(condition(&fragment.ty)),
                directives: Vec::new(),
                selection_set: self.set(fragment)?,
            }))));
        }
        self.merges |= fragments > 1;
        Ok(())
    }

    fn field(&mut self, field: &'a Node<Field>) -> Result<Positioned<types::Field>, String> {
        let byte = field.location().map_or(0, |location| location.offset());
        let mut arguments = Vec::with_capacity(field.arguments.len());
        for argument in &field.arguments {
            let Some(definition) = field.definition.argument_by_name(&argument.name) else { continue };
            if let Some(value) = self.value(&definition.ty, definition.ty.is_non_null(), &argument.value)? {
                arguments.push((placeless(Name::new(&argument.name)), placeless(value.into_value())));
            }
        }
        let selection_set = match &field.selection_set {
            Some(set) => self.set(set)?,
            None => placeless(types::SelectionSet::default()),
        };
        let field = types::Field {
            alias: field.alias.as_ref().map(|alias| placeless(Name::new(alias))),
            name: placeless(Name::new(&field.name)),
            arguments,
            directives: Vec::new(),
            selection_set,
        };
        Ok(Positioned::new(field, Pos { line: 0, column: byte }))
    }

    /// A value, or none where a variable has none.
    fn value(&self, kind: &Type, is_needed: bool, literal: &Literal) -> Result<Option<Value>, String> {
        Ok(Some(match literal {
            Literal::Variable(name) => match self.variables.get(name.as_str()) {
                None => return Ok(None),
                Some(JsonValue::Null) if is_needed => {
                    return Err(format!("Variable {name} is null where a value is needed."));
                }
                Some(value) => to_value(value),
            },
            Literal::Null => Value::Null,
            Literal::Boolean(value) => Value::Boolean(*value),
            Literal::Enum(name) => Value::Enum(Name::new(name)),
            Literal::String(text) => Value::String(text.clone()),
            Literal::Int(digits) => number(digits.as_str()),
            Literal::Float(digits) => number(digits.as_str()),
            Literal::List(items) => {
                let kind = kind.item_type();
                let item =
                    |item: &Node<Literal>| Ok(self.value(kind, kind.is_non_null(), item)?.unwrap_or(Value::Null));
                Value::List(items.iter().map(item).collect::<Result<_, String>>()?)
            }
            Literal::Object(fields) => {
                let Some(ExtendedType::InputObject(object)) = schema().types.get(kind.inner_named_type()) else {
                    return Ok(None);
                };
                let mut values = async_graphql::indexmap::IndexMap::with_capacity(fields.len());
                for (name, literal) in fields {
                    let Some(field) = object.fields.get(name) else { continue };
                    let is_needed = field.ty.is_non_null() || object.is_one_of();
                    if let Some(value) = self.value(&field.ty, is_needed, literal)? {
                        values.insert(Name::new(name), value);
                    }
                }
                Value::Object(values)
            }
        }))
    }

    fn is_skipped(&self, directives: &DirectiveList) -> Result<bool, String> {
        for (name, skipping) in [("skip", true), ("include", false)] {
            let condition = directives.get(name).and_then(|directive| directive.specified_argument_by_name("if"));
            let given = condition.map(|condition| self.value(&Type::NonNullNamed(BOOLEAN), true, condition));
            if given.transpose()?.flatten() == Some(Value::Boolean(skipping)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

const BOOLEAN: apollo_compiler::Name = apollo_compiler::name!("Boolean");

fn condition(on: &str) -> Positioned<TypeCondition> {
    placeless(TypeCondition { on: placeless(Name::new(on)) })
}

/// Of all nodes errors name the places of fields alone.
fn placeless<T>(node: T) -> Positioned<T> {
    Positioned::new(node, Pos::default())
}

fn to_value(value: &JsonValue) -> Value {
    match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(value) => Value::Boolean(*value),
        JsonValue::Number(number) => Value::Number(number.clone()),
        JsonValue::String(text) => Value::String(text.as_str().to_owned()),
        JsonValue::Array(items) => Value::List(items.iter().map(to_value).collect()),
        JsonValue::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (Name::new(name.as_str()), to_value(value))).collect())
        }
    }
}

/// A number; as text where it is too large for one, as only an id may be.
fn number(digits: &str) -> Value {
    let whole = digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from)).ok();
    let number = whole.or_else(|| digits.parse::<f64>().ok().and_then(Number::from_f64));
    number.map_or_else(|| Value::String(digits.to_owned()), Value::Number)
}

/// Lines and columns of a text, found on the way through it.
pub struct Places<'a> {
    rest: &'a str,
    passed: usize,
    next: Pos,
}

impl<'a> Places<'a> {
    /// Starts at its first byte.
    pub fn of(text: &'a str) -> Self {
        Self { rest: text, passed: 0, next: Pos { line: 1, column: 1 } }
    }

    /// The place of a field, after those of fields before it.
    pub fn next(&mut self, field: Pos) -> Pos {
        let Some((before, rest)) = self.rest.split_at_checked(field.column.saturating_sub(self.passed)) else {
            return self.next;
        };
        for c in before.chars() {
            if c == '\n' {
                self.next = Pos { line: self.next.line + 1, column: 1 };
            } else {
                self.next.column += 1;
            }
        }
        (self.rest, self.passed) = (rest, self.passed + before.len());
        self.next
    }
}
