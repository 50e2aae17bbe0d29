// What breaks between the last release and now was announced.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { BreakingChangeType, buildSchema, findDangerousChanges } from "graphql";
import { FILES, announcements, breakingChanges, judge, release } from "./evolution.mjs";

const today = new Date().toISOString().slice(0, 10);

test("what breaks since the last release is announced", async (t) => {
  const released = buildSchema(await readFile(FILES.released, "utf8"));
  const current = buildSchema(await readFile(FILES.schema, "utf8"));
  for (const { description } of findDangerousChanges(released, current)) t.diagnostic(description);
  const announced = announcements(await readFile(FILES.list, "utf8"));
  assert.deepEqual(judge(released, current, announced, today), { unannounced: [], idle: [] });
});

describe("a removed field", () => {
  const judged = (directive, announced = []) =>
    judge(
      buildSchema(`type Query { kept: Int, gone: Int ${directive} }`),
      buildSchema("type Query { kept: Int }"),
      announced,
      "2026-11-28",
    );
  const passes = { unannounced: [], idle: [] };
  const fails = { unannounced: ["Query.gone: Query.gone was removed."], idle: [] };

  test("fails unannounced", () => assert.deepEqual(judged(""), fails));
  test("passes announced", () => assert.deepEqual(judged("", ["Query.gone"]), passes));
  for (const [reason, verdict] of [
    ["Use kept. Removal on 2026-11-27.", passes],
    ["Use kept. Removal on 2026-11-28.", passes],
    ["Use kept. Removal on 2026-11-29.", fails],
    ["Use kept.", fails],
  ]) {
    test(`${verdict === passes ? "passes" : "fails"} deprecated with "${reason}"`, () =>
      assert.deepEqual(judged(`@deprecated(reason: "${reason}")`), verdict));
  }
});

test("arguments, input fields and values are removed when due, nothing else is", () => {
  const due = '@deprecated(reason: "Removal on 2026-11-28.")';
  const released = buildSchema(`
    type Query { field(kept: Input, gone: Int ${due}): Enum, changed: Int ${due} }
    input Input { kept: Int, gone: Int ${due} }
    enum Enum { KEPT, GONE ${due} }
  `);
  const current = buildSchema(`
    type Query { field(kept: Input): Enum, changed: String }
    input Input { kept: Int }
    enum Enum { KEPT }
  `);
  assert.deepEqual(judge(released, current, [], "2026-11-28"), {
    unannounced: ["Query.changed: Query.changed changed type from Int to String."],
    idle: [],
  });
});

test("an announcement that announces nothing fails", () => {
  const schema = buildSchema("type Query { kept: Int }");
  assert.deepEqual(judge(schema, schema, ["Query.kept"], today).idle, ["Query.kept"]);
});

test("every kind of breaking change has its coordinate", () => {
  const released = buildSchema(`
    directive @gone on QUERY
    directive @tag(gone: Int) repeatable on QUERY | FIELD
    interface Named { name: String }
    type Person implements Named { name: String }
    type Company { name: String }
    type Gone { name: String }
    scalar Kind
    union Party = Person | Company
    enum Color { RED, GREEN }
    input Order { by: Int, gone: Int }
    type Query {
      party(gone: Int, order: Int): Party
      named: Named
      color: Color
      kind: Kind
      list(order: Order): Int
      gone: Int
    }
  `);
  const current = buildSchema(`
    directive @tag(new: Int!) on QUERY
    interface Named { name: String }
    type Person { name: String }
    type Company { name: String }
    type Kind { name: String }
    union Party = Person
    enum Color { RED }
    input Order { by: Int, new: Int! }
    type Query {
      party(order: String): Party
      named: Named
      color: Color
      kind: Kind
      list(order: Order, new: Int!): String
      company: Company
    }
  `);
  const found = breakingChanges(released, current).map(({ type, coordinate }) => `${type} ${coordinate}`);
  assert.deepEqual(found.sort(), [
    "ARG_CHANGED_KIND Query.party(order:)",
    "ARG_REMOVED Query.party(gone:)",
    "DIRECTIVE_ARG_REMOVED @tag(gone:)",
    "DIRECTIVE_LOCATION_REMOVED @tag",
    "DIRECTIVE_REMOVED @gone",
    "DIRECTIVE_REPEATABLE_REMOVED @tag",
    "FIELD_CHANGED_KIND Query.list",
    "FIELD_REMOVED Order.gone",
    "FIELD_REMOVED Query.gone",
    "IMPLEMENTED_INTERFACE_REMOVED Person",
    "REQUIRED_ARG_ADDED Query.list(new:)",
    "REQUIRED_DIRECTIVE_ARG_ADDED @tag(new:)",
    "REQUIRED_INPUT_FIELD_ADDED Order.new",
    "TYPE_CHANGED_KIND Kind",
    "TYPE_REMOVED Gone",
    "TYPE_REMOVED_FROM_UNION Party",
    "VALUE_REMOVED_FROM_ENUM Color.GREEN",
  ]);
  assert.deepEqual(
    [...new Set(found.map((change) => change.split(" ")[0]))],
    Object.keys(BreakingChangeType).sort(),
    "graphql-js knows no other",
  );
});

test("a release makes the schema the released one and empties the list", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "roster-release-"));
  t.after(() => rm(folder, { recursive: true }));
  const files = Object.fromEntries(Object.keys(FILES).map((name) => [name, join(folder, name)]));
  const introduction = "# Breaking changes\n\n## The coming release\n";
  await writeFile(files.schema, "type Query { kept: Int }");
  await writeFile(
    files.list,
    `${introduction}\n* \`Query.gone\`: ask for \`kept\`.\n* \`Query.a(b:)\`: leave it out.\n`,
  );
  assert.deepEqual(announcements(await readFile(files.list, "utf8")), ["Query.gone", "Query.a(b:)"]);

  await release(files);
  assert.equal(await readFile(files.released, "utf8"), "type Query { kept: Int }");
  assert.equal(await readFile(files.list, "utf8"), introduction);
  assert.deepEqual(announcements(introduction), []);
});

test("a line of the list that is no announcement fails", () => {
  assert.throws(() => announcements("## The coming release\n\n* Query.gone is gone\n"), /Query\.gone is gone/);
});
