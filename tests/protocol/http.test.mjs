// GraphQL over HTTP, as the audits of graphql-http understand the specification.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { serverAudits } from "graphql-http";
import { startRoster } from "../browser/roster.mjs";

let roster;
const audits = serverAudits({ url: () => new URL("/graphql", roster.url).href });

before(async () => {
  roster = await startRoster(fileURLToPath(new URL("../../", import.meta.url)));
});

after(() => roster?.stop());

test("all audits are here", () => assert.equal(audits.length, 61));

for (const { name, fn } of audits) {
  test(name, async () => {
    const { status, reason, response } = await fn();
    assert.equal(status, "ok", `${reason}, answered ${response?.status}`);
  });
}
