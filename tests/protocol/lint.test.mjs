// schema.graphql under the recommended and the Relay rules of graphql-eslint.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import graphql from "@graphql-eslint/eslint-plugin";
import { ESLint } from "eslint";

const rules = {
  ...graphql.configs["flat/schema-recommended"].rules,
  ...graphql.configs["flat/schema-relay"].rules,
  // One line stands between quotes, several stand in a block.
  "@graphql-eslint/description-style": "off",
  // Only what `node` can refetch has an id; what is a part of it, like a page or a payload, has none.
  "@graphql-eslint/strict-id-in-types": "off",
  // Pages are connections; short lists, like `nodes` or the results of a mutation, are plain.
  "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
};

const schema = await readFile(new URL("../../schema.graphql", import.meta.url), "utf8");
const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: {
    files: ["*.graphql"],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema } } },
    plugins: { "@graphql-eslint": graphql },
    rules,
  },
});

async function lint(text) {
  const [{ messages }] = await eslint.lintText(text, { filePath: "schema.graphql" });
  return messages;
}

test("schema.graphql keeps the rules", async () => {
  const messages = await lint(schema);
  assert.deepEqual(
    messages.map(({ line, ruleId, message }) => `${line}: ${ruleId}: ${message}`),
    [],
  );
});

test("a schema that breaks them is told which", async () => {
  const messages = await lint(`
    type Query { getPages(first: Int): PageConnection }
    type PageConnection { edges: [PageEdge], pageInfo: PageInfo! }
    type PageEdge { node: String }
    type PageInfo { hasNextPage: Boolean! }
    type Alone { a: Int @deprecated }
    enum Color { red }
  `);
  assert.deepEqual([...new Set(messages.map(({ ruleId }) => ruleId))].sort(), [
    "@graphql-eslint/naming-convention",
    "@graphql-eslint/no-unreachable-types",
    "@graphql-eslint/relay-arguments",
    "@graphql-eslint/relay-edge-types",
    "@graphql-eslint/relay-page-info",
    "@graphql-eslint/require-deprecation-reason",
    "@graphql-eslint/require-description",
  ]);
});
