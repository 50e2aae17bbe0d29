//! An operation as the library executes it: values in place of variables, without what is skipped, and with a root
//! where each field stands once.
//!
//! The library resolves a field as often as it is written and merges the answers. Below the root that is only slower;
//! a mutation would be made twice, and of a subscription it sees only what is not in a fragment. An argument whose
//! variable has no value it takes for null, where the specification wants the default.

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
    parser::types::{
        self, DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType,
        TypeCondition,
    },
};

use super::{Document, schema};

/// Makes an operation of a document ready to run with these variables, whose values fit their types.
///
/// # Errors
/// A sentence about a variable that is null where that is no value.
pub fn bind(document: &Document, operation: &Operation, variables: &JsonMap) -> Result<ExecutableDocument, String> {
    let places = Places { rest: &document.text, text: &document.text, next: Pos { line: 1, column: 1 } };
    let mut bind = Bind { document, variables, places };
    let mut fields = Vec::new();
    bind.collect(&operation.selection_set, &mut fields)?;
    let items = fields.into_iter().map(|field| placeless(types::Selection::Field(field))).collect();
    let operation = OperationDefinition {
        ty: kind(operation),
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set: placeless(types::SelectionSet { items }),
    };
    let mut fragments = HashMap::new();
    for (name, fragment) in &document.valid.fragments {
        let fragment = FragmentDefinition {
            type_condition: condition(fragment.type_condition()),
            directives: Vec::new(),
            selection_set: bind.set(&fragment.selection_set)?,
        };
        fragments.insert(Name::new(name), placeless(fragment));
    }
    Ok(ExecutableDocument { operations: DocumentOperations::Single(placeless(operation)), fragments })
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
    places: Places<'a>,
}

impl<'a> Bind<'a> {
    /// The fields of a root, through all fragments. Their type is that of the root: nothing else is valid there.
    fn collect(&mut self, set: &'a SelectionSet, fields: &mut Vec<Positioned<types::Field>>) -> Result<(), String> {
        for selection in &set.selections {
            if self.is_skipped(selection.directives())? {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    let field = self.field(field)?;
                    let key = &field.node.response_key().node;
                    match fields.iter_mut().find(|known| known.node.response_key().node == *key) {
                        Some(known) => {
                            known.node.selection_set.node.items.extend(field.node.selection_set.node.items);
                        }
                        None => fields.push(field),
                    }
                }
                Selection::InlineFragment(fragment) => self.collect(&fragment.selection_set, fields)?,
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.valid.fragments.get(&spread.fragment_name) {
                        self.collect(&fragment.selection_set, fields)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, set: &'a SelectionSet) -> Result<Positioned<types::SelectionSet>, String> {
        let mut items = Vec::with_capacity(set.selections.len());
        for selection in &set.selections {
            if self.is_skipped(selection.directives())? {
                continue;
            }
            items.push(placeless(match selection {
                Selection::Field(field) => types::Selection::Field(self.field(field)?),
                Selection::FragmentSpread(spread) => {
                    types::Selection::FragmentSpread(placeless(types::FragmentSpread {
                        fragment_name: placeless(Name::new(&spread.fragment_name)),
                        directives: Vec::new(),
                    }))
                }
                Selection::InlineFragment(fragment) => {
                    types::Selection::InlineFragment(placeless(types::InlineFragment {
                        type_condition: fragment.type_condition.as_ref().map(|on| condition(on)),
                        directives: Vec::new(),
                        selection_set: self.set(&fragment.selection_set)?,
                    }))
                }
            }));
        }
        Ok(placeless(types::SelectionSet { items }))
    }

    fn field(&mut self, field: &'a Node<Field>) -> Result<Positioned<types::Field>, String> {
        let place = field.location().map_or_else(Pos::default, |location| self.places.of(location.offset()));
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
        Ok(Positioned::new(field, place))
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
struct Places<'a> {
    text: &'a str,
    rest: &'a str,
    next: Pos,
}

impl Places<'_> {
    /// The place of a byte. Goes back to the start for one that was passed, so those of a document are asked for in
    /// its order.
    fn of(&mut self, offset: usize) -> Pos {
        let mut passed = self.text.len() - self.rest.len();
        if offset < passed {
            (self.rest, self.next, passed) = (self.text, Pos { line: 1, column: 1 }, 0);
        }
        let Some((before, rest)) = self.rest.split_at_checked(offset - passed) else { return Pos::default() };
        for c in before.chars() {
            if c == '\n' {
                self.next = Pos { line: self.next.line + 1, column: 1 };
            } else {
                self.next.column += 1;
            }
        }
        self.rest = rest;
        self.next
    }
}
