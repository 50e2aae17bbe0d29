// graphql-sse in its distinct connections mode, with its own client.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createClient } from "graphql-sse";
import { startRoster } from "../browser/roster.mjs";
import { SUBSCRIPTION, all, authorizationOf, organizer, told } from "./demo.mjs";

let roster, judy;

before(async () => {
  roster = await startRoster(fileURLToPath(new URL("../../", import.meta.url)));
  judy = { Authorization: await authorizationOf(roster, "Judy") };
});

after(() => roster?.stop());

test("a subscription is told what happens", { timeout: 30_000 }, async () => {
  const { invite, revoke } = await organizer(roster, "judy@example.com");
  let events;
  await new Promise((connected) => {
    events = client(judy).iterate({ query: SUBSCRIPTION }, { connected });
  });
  const id = await invite();
  assert.deepEqual(await told(events, id), { status: "PENDING", invitedBy: { displayName: "Alice Andersson" } });
  await revoke(id);
  assert.equal((await told(events, id)).status, "REVOKED");
  await events.return();
});

test("a query is answered, and that is all", async () => {
  const answers = await all(client(judy).iterate({ query: "{ viewer { user { email } } }" }));
  assert.deepEqual(answers, [{ data: { viewer: { user: { email: "judy@example.com" } } } }]);
});

test("whoever is not signed in is told so, and that is all", async () => {
  const answers = await all(client({}).iterate({ query: SUBSCRIPTION }));
  assert.deepEqual(
    answers.map(({ data, errors }) => [data, errors.map(({ extensions }) => extensions.code)]),
    [[null, ["UNAUTHENTICATED"]]],
  );
});

test("a document that is not valid is refused, not streamed", async () => {
  const refused = all(client(judy).iterate({ query: "subscription { unknown }" }));
  await assert.rejects(refused, ({ response }) => response.status === 400);
});

function client(headers) {
  return createClient({
    url: new URL("/graphql", roster.url).href,
    singleConnection: false,
    headers,
    retryAttempts: 0,
  });
}
