import { createHash } from "node:crypto";
import {
  Kind,
  Lexer,
  Source,
  TokenKind,
  TypeInfo,
  getNamedType,
  isLeafType,
  parse,
  parseConstValue,
  parseType,
  print,
  visit,
  visitWithTypeInfo,
} from "graphql";

/** How many mutants a mutation makes at most. */
const MUTANTS = 8;

const FIELDS = ["displayName", "totalCount", "userErrors", "organization", "__schema", "nodes", "id(id: 1)"];
const VALUES = ["1", "1.5", "99999999999", '"text"', "true", "MEMBER", "{ id: 1 }", "[1]", "[[]]", "{}", "null"];
const INPUT_TYPES = ["Int", "Float", "String!", "ID", "Boolean", "DateTime!", "PlanTier", "UserRefInput!", "[ID!]"];
const COMPOSITE_TYPES = ["User", "Organization", "Actor", "Node", "UserError", "BasicUserError", "Query", "TeamMember"];
const OTHER_TYPES = ["String", "DateTime", "PlanTier", "UserRefInput"];
const TYPE_SYSTEM_DIRECTIVES = ["@deprecated", "@oneOf", "@semanticNonNull", '@specifiedBy(url: "a")'];
const TOKENS = "{ } ( ) [ ] : = ! $ @ & | ... on null true query 5".split(" ");
const IGNORED = [",", ",,,", "\t", "\r\n", "\r", "\uFEFF", "# comment\n", "#\r", "#,}\n"];
const UNKNOWN = ["\0", "%", "?", ";", "\\", "^", "<", "ä", "\u00A0", "\u2028", "\u200B", "\f"];
const LITERALS = [
  ...String.raw`0 -0 01 - +1 1. .5 1.0 1e3 1e 1.5E+2 00.1 0x1F 1a 1_000 1.a True NULL nullX on $ @a [,] {,}`.split(" "),
  ...String.raw`"" "é😀" "\u0041" "\u{1F600}" "\u{110000}" "\uD83D\uDE00" "\uD83D" "\u00" "\x" "\/" "\n"`.split(" "),
  ...['"\t"', '"\n"', '"open', "'text'", "`text`", '""""""', '"""a\n  "b" \\""" \\u00"""', '"""open'],
  ...["- 1", "$ a", "[1 2]", "[1, 2", "{ a: }", "{ : 1 }", "{ a 1 }"],
];

const name = (value) => ({ kind: Kind.NAME, value });
const type = (text) => parseType(text, { noLocation: true });
const value = (text) => parseConstValue(text, { noLocation: true });
const definition = (text) => parse(text, { noLocation: true }).definitions[0];
const selection = (text) => definition(`{ ${text} }`).selectionSet.selections[0];
const directive = (text) => selection(`a ${text}`).directives[0];
const list = (node) => ({ kind: Kind.LIST, values: [node] });

const renamed = (node, to = `${node.name.value}X`) => ({ ...node, name: name(to) });
const longer = (node, key, ...items) => ({ ...node, [key]: [...(node[key] ?? []), ...items] });
const selecting = (node, text) => ({ ...node, selectionSet: longer(node.selectionSet, "selections", selection(text)) });

const misnamed = (kind) => ({ [kind]: (node) => [renamed(node)] });
const missing = (kind) => ({ [kind]: () => [] });
const twice = (kind) => ({ [kind]: (node) => [node, node] });
const beside = (text) => ({ Document: (node) => [longer(node, "definitions", definition(text))] });
const each = (kinds, change) => Object.fromEntries(kinds.map((kind) => [kind, change]));
const values = (change) =>
  each([Kind.INT, Kind.STRING, Kind.BOOLEAN, Kind.ENUM, Kind.NULL, Kind.LIST, Kind.OBJECT], change);
const variableTypes = (change) => ({ VariableDefinition: (node, at) => [{ ...node, type: change(node.type, at) }] });
const typeConditions = (types) =>
  each(
    [Kind.FRAGMENT_DEFINITION, Kind.INLINE_FRAGMENT],
    (node, { pick }) => node.typeCondition && [{ ...node, typeCondition: type(pick(types)) }],
  );
const operations = (operation, change) => ({
  OperationDefinition: (node) => node.operation === operation && [change(node)],
});
/** An object that names something in one of several ways: `change` gets the one that is given, and another. */
const references = (change) => ({
  ObjectValue(node, { typeInfo }) {
    const of = getNamedType(typeInfo.getInputType());
    const [given] = node.fields;
    if (!of?.isOneOf || !given) return [];
    const other = Object.keys(of.getFields()).find((field) => field !== given.name.value);
    return [{ ...node, fields: change(given, renamed(given, other)) }];
  },
});

/**
 * What a mutation puts in the place of a node of a kind: nothing, one node or several; false where it has nothing to
 * do. `pick` takes one of a list, `typeInfo` knows the types at the node.
 */
const structural = {
  "a field is misnamed": misnamed("Field"),
  "a field is missing": missing("Field"),
  "a field is there twice": twice("Field"),
  "a field of another type": { Field: (node, { pick }) => [node, selection(pick(FIELDS))] },
  "a field under another name": { Field: (node) => [{ ...node, alias: name("other") }] },
  "two fields under one name": {
    SelectionSet(node) {
      const [first, second] = node.selections.filter(({ kind }) => kind === Kind.FIELD);
      return second && [longer(node, "selections", { ...second, alias: first.alias ?? first.name })];
    },
  },
  "a field with and without arguments": {
    Field: (node) => node.arguments.length > 0 && [node, { ...node, arguments: [] }],
  },
  "an object without a selection": { Field: (node) => node.selectionSet && [{ ...node, selectionSet: undefined }] },
  "a leaf with a selection": {
    Field: (node, { typeInfo }) =>
      isLeafType(getNamedType(typeInfo.getType())) && [
        { ...node, selectionSet: { kind: Kind.SELECTION_SET, selections: [selection("__typename")] } },
      ],
  },
  "__typename anywhere": { SelectionSet: (node) => [longer(node, "selections", selection("__typename"))] },
  "a selection in an inline fragment": {
    SelectionSet: (node) => [{ ...node, selections: [{ kind: Kind.INLINE_FRAGMENT, selectionSet: node }] }],
  },
  "the schema, unfolded again and again": operations("query", (node) =>
    selecting(node, "__schema { types { fields { type { fields { type { fields { name } } } } } } }"),
  ),

  "an argument is misnamed": misnamed("Argument"),
  "an argument is missing": missing("Argument"),
  "an argument is there twice": twice("Argument"),
  "an argument too many": { Field: (node) => [longer(node, "arguments", ...selection("a(unknown: 1)").arguments)] },
  "an argument with an unknown variable": {
    Argument: (node) => [{ ...node, value: { kind: Kind.VARIABLE, name: name("unknown") } }],
  },

  "a value of another kind": values((node, { pick }) => [value(pick(VALUES))]),
  "null for a value": values(() => [value("null")]),
  "a list for a value": values((node) => [list(node)]),
  "an item for a list": { ListValue: (node) => node.values.length > 0 && [node.values[0]] },
  "an enum value is misspelt": { EnumValue: (node) => [{ ...node, value: `${node.value}X` }] },
  "a string for an enum value": { EnumValue: (node) => [{ kind: Kind.STRING, value: node.value }] },
  "an input field is misnamed": misnamed("ObjectField"),
  "an input field is missing": missing("ObjectField"),
  "an input field is there twice": twice("ObjectField"),
  "a reference by nothing": references(() => []),
  "a reference by null": references((given) => [{ ...given, value: value("null") }]),
  "a reference by two things": references((given, other) => [given, other]),
  "a reference by one thing and null": references((given, other) => [given, { ...other, value: value("null") }]),

  "a variable is misnamed": misnamed("Variable"),
  "a variable is not defined": missing("VariableDefinition"),
  "a variable is defined twice": twice("VariableDefinition"),
  "a variable is not used": {
    OperationDefinition: (node) => [
      longer(node, "variableDefinitions", ...definition("query ($unused: Int) { a }").variableDefinitions),
    ],
  },
  "a variable of another type": variableTypes((_, { pick }) => type(pick(INPUT_TYPES))),
  "a variable of an unknown type": variableTypes(() => type("Unknown!")),
  "a variable of an output type": variableTypes((_, { pick }) => type(pick(COMPOSITE_TYPES))),
  "a variable is a list": variableTypes((node) => ({ kind: Kind.LIST_TYPE, type: node })),
  "a variable may be null, or may no longer": variableTypes((node) =>
    node.kind === Kind.NON_NULL_TYPE ? node.type : { kind: Kind.NON_NULL_TYPE, type: node },
  ),
  "a variable with another default": {
    VariableDefinition: (node, { pick }) => [{ ...node, defaultValue: value(pick(VALUES)) }],
  },
  "a variable with null as its default": {
    VariableDefinition: (node) => node.type.kind !== Kind.NON_NULL_TYPE && [{ ...node, defaultValue: value("null") }],
  },
  "a variable without its default": {
    VariableDefinition: (node) => node.defaultValue && [{ ...node, defaultValue: undefined }],
  },

  "a directive is misnamed": misnamed("Directive"),
  "a directive is missing": missing("Directive"),
  "a directive is there twice": twice("Directive"),
  "a directive that says nothing": { Field: (node) => [longer(node, "directives", directive("@include(if: true)"))] },
  "a directive of schemas": {
    Field: (node, { pick }) => [longer(node, "directives", directive(pick(TYPE_SYSTEM_DIRECTIVES)))],
  },
  "a directive at a definition": each(
    [Kind.OPERATION_DEFINITION, Kind.FRAGMENT_DEFINITION, Kind.VARIABLE_DEFINITION],
    (node) => [longer(node, "directives", directive("@skip(if: false)"))],
  ),

  "a fragment is misnamed where it is used": misnamed("FragmentSpread"),
  "a fragment is not used": missing("FragmentSpread"),
  "a fragment is used twice": twice("FragmentSpread"),
  "a fragment is misnamed": misnamed("FragmentDefinition"),
  "a fragment is missing": missing("FragmentDefinition"),
  "a fragment is defined twice": twice("FragmentDefinition"),
  "a fragment on another type": typeConditions(COMPOSITE_TYPES),
  "a fragment on an unknown type": typeConditions(["Unknown"]),
  "a fragment on what has no fields": typeConditions(OTHER_TYPES),
  "a fragment in itself": { FragmentDefinition: (node) => [selecting(node, `...${node.name.value}`)] },
  "a fragment in itself by way of another": {
    FragmentDefinition: (node) => [
      selecting(node, "...Back"),
      definition(`fragment Back on ${node.typeCondition.name.value} { ...${node.name.value} }`),
    ],
  },

  "an operation is missing": missing("OperationDefinition"),
  "an operation is there twice": twice("OperationDefinition"),
  "an operation without a name": { OperationDefinition: (node) => [{ ...node, name: undefined }] },
  "an operation of another kind": {
    OperationDefinition: (node, { pick }) => [{ ...node, operation: pick(["query", "mutation", "subscription"]) }],
  },
  "an operation without a name beside others": beside("{ __typename }"),
  "a fragment beside them": beside("fragment Unused on User { id }"),
  "a type beside them": beside("type Stray { id: ID! }"),
  "a directive beside them": beside("directive @stray on FIELD"),
  "an extension beside them": beside("extend type Query { stray: Int }"),
  "a subscription to two things": operations("subscription", (node) =>
    selecting(node, "second: viewerInvitationChanged { id }"),
  ),
  "a subscription to two things, by a fragment": operations("subscription", (node) =>
    selecting(node, "... { second: viewerInvitationChanged { id } }"),
  ),
  "a subscription to something else too": operations("subscription", (node) => selecting(node, "__typename")),
};

/** What a mutation makes of a text at one of its tokens; false where it has nothing to do. */
const textual = {
  "a token is missing": (text, token) => replaced(text, token, ""),
  "a token is there twice": (text, token) => replaced(text, token, `${written(text, token)} ${written(text, token)}`),
  "a token is another": (text, token, pick) => replaced(text, token, pick(TOKENS)),
  "two tokens change places": (text, token) =>
    replaced(text, { start: token.prev.start, end: token.end }, `${written(text, token)} ${written(text, token.prev)}`),
  "the text ends early": (text, token) => text.slice(0, token.start),
  "something that is ignored": (text, token, pick) => replaced(text, token, pick(IGNORED) + written(text, token)),
  "a type with spaces": (text, token) => token.kind === TokenKind.BANG && replaced(text, token, " !"),
  "something that is no token": (text, token, pick) => replaced(text, token, pick(UNKNOWN) + written(text, token)),
};

/**
 * The mutants of `texts`, by mutation. What is made of a text, and where, is left to chance, but to one that is the
 * same each time and depends on that text alone: what others say changes little.
 */
export function mutants(schema, texts) {
  const known = new Set(texts.flatMap((text) => [text, print(parse(text))]));
  const sample = (most, sites) => {
    const mutants = [];
    for (const { mutant } of sites.sort((one, other) => one.chance - other.chance)) {
      if (mutants.length === most) break;
      const text = mutant();
      if (!text || known.has(text)) continue;
      known.add(text);
      mutants.push(text);
    }
    return mutants;
  };
  const tokens = texts.flatMap((text) => tokensOf(text).map((token) => ({ text, token })));
  const atTokens = (mutation, change) =>
    tokens.map(({ text, token }) => {
      const chance = chanceOf(mutation, text, token.start);
      return { chance, mutant: () => change(text, token, picker(chance)) };
    });
  const literally = (literal) => (text, token) =>
    [TokenKind.INT, TokenKind.STRING].includes(token.kind) && replaced(text, token, literal);
  return Object.fromEntries([
    ...Object.entries(structural).map(([mutation, change]) => [
      mutation,
      sample(
        MUTANTS,
        texts.flatMap((text) => atNodes(schema, text, mutation, change)),
      ),
    ]),
    ...Object.entries(textual).map(([mutation, change]) => [mutation, sample(MUTANTS, atTokens(mutation, change))]),
    ["another literal", LITERALS.flatMap((literal) => sample(1, atTokens(literal, literally(literal))))],
  ]);
}

/** The nodes of a text that a mutation can change. */
function atNodes(schema, text, mutation, change) {
  const document = parse(text, { noLocation: true });
  const typeInfo = new TypeInfo(schema);
  const sites = [];
  const enter = (node, _key, _parent, path) => {
    if (!change[node.kind]) return;
    const chance = chanceOf(mutation, text, path);
    const nodes = change[node.kind](node, { pick: picker(chance), typeInfo });
    const steps = ["document", ...path];
    if (nodes) sites.push({ chance, mutant: () => print(put(nodes, { document: structuredClone(document) }, steps)) });
  };
  visit(document, visitWithTypeInfo(typeInfo, { enter }));
  return sites;
}

/** Puts `nodes` in the place of the node that `steps` lead to. */
function put(nodes, root, steps) {
  const last = steps.at(-1);
  const parent = steps.slice(0, -1).reduce((node, step) => node[step], root);
  if (Array.isArray(parent)) parent.splice(last, 1, ...nodes);
  else [parent[last]] = nodes;
  return root.document;
}

/** The tokens of a text, each of which has one before it. */
function tokensOf(text) {
  const lexer = new Lexer(new Source(text));
  const tokens = [];
  while (lexer.advance().kind !== TokenKind.EOF) tokens.push(lexer.token);
  return tokens.slice(1);
}

const written = (text, { start, end }) => text.slice(start, end);
const replaced = (text, { start, end }, by) => text.slice(0, start) + by + text.slice(end);

const chanceOf = (...what) => createHash("sha256").update(what.join("\0")).digest().readUInt32BE();
const picker = (chance) => (list) => list[chance % list.length];
