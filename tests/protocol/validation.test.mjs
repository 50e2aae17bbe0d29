// graphql-js says which documents are good and which variables fit; Roster says the same.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildSchema, getVariableValues, parse, specifiedRules, validate } from "graphql";
import { startRoster } from "../browser/roster.mjs";
import { corpus } from "./corpus.mjs";
import { mutants } from "./mutations.mjs";

const GOOD = "good";
const UNPARSABLE = "GRAPHQL_PARSE_FAILED";
const INVALID = "GRAPHQL_VALIDATION_FAILED";
const UNFIT = "BAD_USER_INPUT";
const FAULT = "INTERNAL_SERVER_ERROR";
/** What is said only of a document that was found good. */
const LATER = ["OPERATION_RESOLUTION_FAILURE", UNFIT];

/** Where Roster says something else than graphql-js: of documents that break a rule, that hold a text, or both. */
const EXPLANATIONS = [
  {
    why: "how often the schema may be unfolded is a limit, not a rule of the specification",
    rule: "MaxIntrospectionDepthRule",
    says: "QUERY_TOO_DEEP",
    example: "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
  },
  {
    why: "that limit is for the operation that is to run, when it is known and has its variables",
    rule: "MaxIntrospectionDepthRule",
    says: GOOD,
    example: `
      query One { __schema { types { fields { type { fields { type { fields { name } } } } } } } }
      query Two { __typename }
    `,
  },
  {
    why: "since September 2025 the specification has it that includeDeprecated is not null",
    text: /includeDeprecated: null/,
    says: INVALID,
    example: '{ __type(name: "User") { fields(includeDeprecated: null) { name } } }',
  },
  {
    why: "graphql-js lets a variable be null in a oneOf input, if the input itself may not be null",
    text: /\$(\w+): \w+[,)][^]*\{ ?\w+: \$\1 ?\}/,
    says: INVALID,
    example: "query ($slug: String) { organization(by: { slug: $slug }) { id } }",
  },
  {
    why: "apollo-compiler reads no comma before the colon of an alias, and behind three dots",
    text: /\w,+:|\.\.\.,/,
    says: UNPARSABLE,
    example: "{ a,: __typename }",
  },
];

/** Operations with one variable, and what is given as its value. */
const VARIABLES = [
  [
    "query ($value: Int) { organizations(first: $value) { totalCount } }",
    [0, -1, 2147483647, 2147483648, 1.5, "1", true, null, [1], undefined],
  ],
  ["query ($value: String) { organizations(after: $value) { totalCount } }", ["a", 1, true, ["a"], {}]],
  ["query ($value: Boolean!) { viewer @include(if: $value) { actor { displayName } } }", [true, 0, "true", null]],
  ["query ($value: ID!) { node(id: $value) { id } }", ["a", "", 1, 1.5, true, null, ["a"], {}, undefined]],
  ["query ($value: [ID!]!) { nodes(ids: $value) { id } }", [[], ["a", 1], "a", [null], [["a"]], null]],
  ["query ($value: RoleScope) { permissions(scope: $value) { key } }", ["PROJECT", "project", "TEAM", 1, null]],
  [
    "query ($value: [InvitationStatus!]) { viewer { invitations(statuses: $value) { totalCount } } }",
    [["PENDING"], "EXPIRED", ["GONE"], [null], null],
  ],
  [
    "query ($value: OrganizationRefInput!) { organization(by: $value) { id } }",
    [{ id: "a" }, {}, { id: "a", slug: "a" }, { id: null }, { id: "a", slug: null }, { name: "a" }, "a", [{ id: "a" }]],
  ],
  [
    "query ($value: OrganizationOrder) { organizations(orderBy: $value) { totalCount } }",
    [{ field: "NAME" }, { field: "NAME", direction: null }, { direction: "ASC" }, { field: 1 }, [{ field: "NAME" }]],
  ],
  [
    "query ($value: DateTime) { organization(by: { id: 1 }) { members(filter: { joinedAt: { to: $value } }) { totalCount } } }",
    ["2026-11-28T00:00:00Z", null],
  ],
  [
    "mutation ($value: TeamMembersAddInput!) { teamMembersAdd(input: $value) { summary { total } } }",
    [
      { team: { id: "a" }, members: [] },
      { team: { id: "a" }, members: { user: { email: "a" } } },
      { team: { id: "a" }, members: [{ user: { email: "a" }, role: null }] },
      { team: { id: "a" }, members: [{ user: { email: "a" }, role: "LEAD", since: "2026" }] },
      { team: { path: { organization: "a" } }, members: [] },
      { team: { id: "a" } },
    ],
  ],
];

const root = new URL("../../", import.meta.url);
const schema = buildSchema(await readFile(new URL("schema.graphql", root), "utf8"));
const originals = await corpus();
const mutations = Object.entries(mutants(schema, originals)).map(([mutation, texts]) => [mutation, texts.map(judge)]);
let roster;

before(async () => {
  roster = await startRoster(fileURLToPath(root));
});

after(() => roster?.stop());

test("the originals are good", async () => {
  for (const text of originals) {
    assert.deepEqual(judge(text), { text, verdict: GOOD, because: {} });
    assert.equal(verdictOf(await ask(text)), GOOD, text);
  }
});

test("the mutants break each rule several times", (t) => {
  const judged = mutations.flatMap(([, judged]) => judged);
  for (const verdict of [GOOD, UNPARSABLE, INVALID]) {
    const count = judged.filter((of) => of.verdict === verdict).length;
    t.diagnostic(`${count} are ${verdict}`);
    assert.ok(count >= 50, verdict);
  }
  for (const { name } of specifiedRules) {
    const count = judged.filter(({ because }) => because[name]).length;
    t.diagnostic(`${count} break ${name}`);
    assert.ok(count >= 5, name);
  }
});

describe("mutants", () => {
  for (const [mutation, judged] of mutations) {
    test(mutation, async () => {
      assert.ok(judged.length > 0, "there is none");
      const disagreements = [];
      for (const expected of judged) {
        const actual = await ask(expected.text);
        const verdict = verdictOf(actual);
        if (verdict === expected.verdict) continue;
        if (!explanationOf(expected, verdict)) disagreements.push({ expected, actual });
      }
      assert.deepEqual(disagreements, []);
    });
  }
});

describe("an explanation is needed, as", () => {
  for (const explanation of EXPLANATIONS) {
    test(explanation.why, async () => {
      const expected = judge(explanation.example);
      const verdict = verdictOf(await ask(explanation.example));
      assert.notEqual(verdict, expected.verdict);
      assert.equal(explanationOf(expected, verdict), explanation);
    });
  }
});

describe("variables", () => {
  for (const [query, values] of VARIABLES) {
    test(query, async () => {
      const [{ variableDefinitions }] = parse(query).definitions;
      for (const value of values) {
        const { errors } = getVariableValues(schema, variableDefinitions, { value });
        assert.equal((await ask(query, { value })).code, errors && UNFIT, JSON.stringify(value));
      }
    });
  }
});

/** What graphql-js says of a document, and the messages for each rule that it breaks. */
function judge(text) {
  let document;
  try {
    document = parse(text);
  } catch ({ message }) {
    return { text, verdict: UNPARSABLE, because: { message } };
  }
  const broken = specifiedRules.map((rule) => [rule.name, validate(schema, document, [rule])]);
  const because = Object.fromEntries(
    broken.filter(([, errors]) => errors.length > 0).map(([rule, errors]) => [rule, errors.map(String)]),
  );
  return { text, verdict: Object.keys(because).length > 0 ? INVALID : GOOD, because };
}

function explanationOf({ text, because }, verdict) {
  return EXPLANATIONS.find(
    (it) => it.says === verdict && (!it.rule || it.rule in because) && (!it.text || it.text.test(text)),
  );
}

function verdictOf({ code = GOOD }) {
  return LATER.includes(code) ? GOOD : code;
}

/** What Roster says of a request of nobody: why it was not executed or what failed, nothing if all is well. */
async function ask(query, variables) {
  const response = await fetch(new URL("/graphql", roster.url), {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json" },
    body: JSON.stringify({ query, variables }),
  });
  const { errors = [] } = await response.json();
  const codes = errors.map(({ extensions }) => extensions.code);
  // 406 is for a subscription, which is good but comes another way.
  return { code: response.status === 400 ? codes[0] : codes.find((code) => code === FAULT), errors };
}
