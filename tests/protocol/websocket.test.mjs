// graphql-transport-ws, with the client of graphql-ws.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { startRoster } from "../browser/roster.mjs";
import { SUBSCRIPTION, all, ask, authorizationOf, organizer, told } from "./demo.mjs";

let roster, mallory;

before(async () => {
  roster = await startRoster(fileURLToPath(new URL("../../", import.meta.url)));
  mallory = await authorizationOf(roster, "Mallory");
});

after(() => roster?.stop());

test("subscriptions are told what happens, until the client ends them", { timeout: 30_000 }, async (t) => {
  const { invite, revoke } = await organizer(roster, "mallory@example.com");
  const messages = [];
  const client = connect(t, {
    connectionParams: { Authorization: mallory },
    on: { message: (it) => messages.push(it) },
  });
  const ended = client.iterate({ query: SUBSCRIPTION });
  const kept = client.iterate({ query: SUBSCRIPTION });
  for (const events of [ended, kept]) {
    // Nothing says when a subscription has begun: it has once it is told something.
    const first = events.next();
    while (!(await Promise.race([first, setTimeout(100)]))) await revoke(await invite());
  }

  const id = await invite();
  for (const events of [ended, kept]) {
    assert.deepEqual(await told(events, id), { status: "PENDING", invitedBy: { displayName: "Alice Andersson" } });
  }
  await ended.return();
  messages.length = 0;
  await revoke(id);
  assert.equal((await told(kept, id)).status, "REVOKED");
  const answers = await all(client.iterate({ query: "{ viewer { user { email } } }" }));
  assert.deepEqual(answers, [{ data: { viewer: { user: { email: "mallory@example.com" } } } }]);
  assert.deepEqual(
    messages.map(({ type }) => type),
    ["next", "next", "complete"],
    "of the subscription that was kept, and of the query",
  );
});

test("whoever is not signed in is told so", async (t) => {
  const refused = all(connect(t).iterate({ query: SUBSCRIPTION }));
  await assert.rejects(refused, ([{ extensions }]) => extensions.code === "UNAUTHENTICATED");
});

test("a document that is not valid is refused", async (t) => {
  const refused = all(connect(t).iterate({ query: "subscription { unknown }" }));
  await assert.rejects(refused, ([{ extensions }]) => extensions.code === "GRAPHQL_VALIDATION_FAILED");
});

test("a credential that is not good closes the socket", async (t) => {
  const client = connect(t, { connectionParams: { Authorization: "Bearer forged" } });
  await assert.rejects(all(client.iterate({ query: "{ __typename }" })), { code: 4403 });
});

test("a client whose credential was revoked connects anew with another", { timeout: 30_000 }, async (t) => {
  const alice = await authorizationOf(roster, "Alice");
  const { apiKeyCreate } = await ask(
    roster,
    alice,
    `mutation {
      apiKeyCreate(input: { organization: { slug: "acme" }, name: "Socket", permissions: ["members.read"] }) {
        secret
        apiKey { id }
      }
    }`,
  );
  const credentials = [`Bearer ${apiKeyCreate.secret}`, alice];
  const closed = [];
  const client = connect(t, {
    connectionParams: () => ({ Authorization: credentials.shift() }),
    lazy: false,
    retryAttempts: 5,
    retryWait: async () => {},
    on: { closed: ({ code }) => closed.push(code) },
  });
  const who = () => all(client.iterate({ query: "{ viewer { actor { displayName } } }" }));
  assert.deepEqual(await who(), [{ data: { viewer: { actor: { displayName: "Socket" } } } }]);

  await ask(roster, alice, "mutation ($id: ID!) { apiKeyRevoke(input: { apiKeyId: $id }) { userErrors { code } } }", {
    id: apiKeyCreate.apiKey.id,
  });
  assert.deepEqual(await who(), [{ data: { viewer: { actor: { displayName: "Alice Andersson" } } } }]);
  assert.deepEqual(closed, [4403]);
});

function connect(t, options) {
  const url = new URL("/graphql", roster.url);
  url.protocol = "ws:";
  const client = createClient({ url: url.href, webSocketImpl: WebSocket, retryAttempts: 0, ...options });
  t.after(() => client.dispose());
  return client;
}
