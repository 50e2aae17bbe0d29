// GraphiQL in Chromium against a running Roster.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";
import { launchChromium } from "./chromium.mjs";
import { startRoster } from "./roster.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const editor = ".graphiql-query-editor";
const response = ".graphiql-response";

let roster, browser, page, temporary;
const foreign = [];
const complaints = [];

before(async () => {
  temporary = await mkdtemp(join(tmpdir(), "roster-browser-"));
  roster = await startRoster(root);
  browser = await launchChromium(roster.url);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.route(
    (url) => url.origin !== roster.url.origin,
    (route) => {
      foreign.push(route.request().url());
      return route.abort();
    },
  );
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      console.error(`Content Security Policy: ${violatedDirective} ${blockedURI}`),
    );
  });
  page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.stack));
  page.on("websocket", (socket) => {
    if (new URL(socket.url()).host !== roster.url.host) foreign.push(socket.url());
  });
});

after(async () => {
  await browser?.close();
  await roster?.stop();
  if (temporary) await rm(temporary, { recursive: true });
});

test("the default query is there and signed in", async () => {
  const settings = await (await fetch(new URL("/graphiql/settings.json", roster.url))).json();
  await open();
  assert.equal(await page.title(), "Roster · GraphiQL");
  const query = await shown(editor); // the editor draws only the lines that fit
  assert.ok(query && words(settings.query).startsWith(query), query);
  assertSucceeded(await run(() => page.click(".graphiql-execute-button")));
  assert.match(await shown(response), /^\{ "data": \{/);

  const path = process.env.SCREENSHOT === "1" ? join(root, "docs/graphiql.png") : join(temporary, "graphiql.png");
  await mkdir(dirname(path), { recursive: true });
  await page.mouse.move(640, 799);
  await page.waitForTimeout(500); // tooltips and carets gone, squiggles drawn
  await page.screenshot({ path, caret: "hide" });
  assertPicture(await readFile(path));
});

test("a query of one's own is answered", async () => {
  await replaceQuery("{ viewer { user { email } } }");
  const answer = await run(() => page.keyboard.press("Control+Enter"));
  assertSucceeded(answer);
  const { email } = answer.data.viewer.user;
  assert.match(email, /@/);
  const pane = await shown(response);
  assert.ok(pane.startsWith(`{ "data": { "viewer": { "user": { "email": "${email}" } } }`), pane);
});

test("a reload keeps the query and renews the token of an earlier server", async () => {
  await page.waitForTimeout(1000); // GraphiQL writes half a second after the last change
  const renewed = await page.evaluate(() => {
    let stale = 0;
    for (const [key, text] of Object.entries({ ...localStorage })) {
      const old = text.replaceAll(/Bearer [^"\\]+/g, "Bearer stale");
      if (old !== text) stale += 1;
      localStorage.setItem(key, old);
    }
    return stale;
  });
  assert.ok(renewed >= 3, "the headers, the tabs and the tokens handed out");
  await open();
  assert.equal(await shown(editor), "{ viewer { user { email } } }");
  assertSucceeded(await run(() => page.click(".graphiql-execute-button")));
  assert.equal(await page.locator(".graphiql-tab").count(), 1);
});

test("a link opens its query in a tab of its own", async () => {
  const variables = '{ "unused": "1 + 1 = 2" }';
  await open(`#query=${encodeURIComponent("query Linked { __typename }")}&variables=${encodeURIComponent(variables)}`);
  assert.equal(await shown(editor), "query Linked { __typename }");
  assert.equal(await page.locator(".graphiql-tab").count(), 2);
  assert.equal(new URL(page.url()).hash, "");
  assert.equal(await shown('[aria-label="Variables"] .graphiql-editor:not(.hidden)'), variables);
});

test("another person can be chosen", async (t) => {
  const choice = page.locator(".signed-in-as select");
  const people = await choice.locator("option:not([value])").allTextContents();
  if (people.length < 2) return t.skip("the server names no other person");
  const emails = new Set();
  await replaceQuery("{ viewer { user { email } } }");
  for (const person of people.slice(0, 2)) {
    await choice.selectOption(person);
    const answer = await run(() => page.click(".graphiql-execute-button"));
    assertSucceeded(answer);
    emails.add(answer.data.viewer.user.email);
    assert.equal(await choice.inputValue(), person);
  }
  assert.equal(emails.size, 2);
});

test("the documentation and the explorer know the schema", async () => {
  await page.click('[aria-label="Show Documentation Explorer"]');
  const documentation = page.locator(".graphiql-doc-explorer");
  await documentation.getByText("subscription", { exact: false }).first().waitFor();
  assert.match(words(await documentation.innerText()), /query: Query mutation: Mutation subscription: Subscription/);
  await page.click('[aria-label="Show GraphiQL Explorer"]');
  await page.locator(".docExplorerWrap, .graphiql-explorer-root").first().getByText("organizations").waitFor();
  await page.click('[aria-label="Hide GraphiQL Explorer"]');
});

test("a subscription shows what happens, signed in by the headers of the tab", { timeout: 60_000 }, async () => {
  const settings = await (await fetch(new URL("/graphiql/settings.json", roster.url))).json();
  const find = (name) => settings.people.find((person) => person.name.startsWith(name));
  await open("#query=" + encodeURIComponent(subscription));
  await page.locator(".signed-in-as select").selectOption(find("Mallory").name);
  const sent = [];
  page.once("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(JSON.parse(payload))));
  const said = async (type) => {
    while (!sent.some((message) => message.type === type)) await page.waitForTimeout(20);
    return sent.find((message) => message.type === type);
  };
  await page.click(".graphiql-execute-button");
  assert.equal((await said("connection_init")).payload.Authorization, find("Mallory").authorization);
  await said("subscribe");

  const shows = async (status) => {
    await page.waitForFunction(
      ([selector, status]) => document.querySelector(selector)?.innerText.includes(`"${status}"`),
      [`${response} .view-lines`, status],
    );
    return shown(response);
  };
  const [invitation] = (await ask(find("Alice"), invite)).organizationInvite.results;
  assert.match(await shows("PENDING"), /"email": "mallory@example.com", "status": "PENDING", "organizationName": "Acme", "roleName": "Member"/);

  const path = process.env.SCREENSHOT === "1" ? join(root, "docs/graphiql-subscription.png") : join(temporary, "subscription.png");
  await page.mouse.move(640, 799);
  await page.waitForTimeout(500); // tooltips and carets gone, squiggles drawn
  await page.screenshot({ path, caret: "hide" });
  assertPicture(await readFile(path));

  await ask(find("Alice"), revoke(invitation.invitation.id));
  await shows("REVOKED");
  await page.click(".graphiql-execute-button"); // which stops it
  await said("complete");
});

const subscription = `# What happens to Mallory's invitations,
# as it happens.
subscription Inbox {
  viewerInvitationChanged {
    email
    status
    organizationName
    roleName
    invitedBy { displayName }
    viewerCan { accept { allowed } }
  }
}`;
const invite = `mutation { organizationInvite(input: { organization: { slug: "acme" }, emails: ["mallory@example.com"] }) {
  results { invitation { id } } } }`;
const revoke = (id) => `mutation { invitationRevoke(input: { invitationId: "${id}" }) { userErrors { code } } }`;

/** The data that a person gets for a document, without the page. */
async function ask(person, query) {
  const answer = await fetch(new URL("/graphql", roster.url), {
    method: "POST",
    headers: { authorization: person.authorization, "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await answer.json();
  assertSucceeded({ data, errors });
  return data;
}

test("nothing was asked of another origin and nothing complained", () => {
  assert.deepEqual(foreign, []);
  assert.deepEqual(complaints, []);
});

/** Loads the page anew and waits until it can be used: the editor is drawn, the schema is known. */
async function open(fragment = "") {
  await page.goto("about:blank");
  const introspected = page.waitForResponse(isOperation("IntrospectionQuery"));
  await page.goto(new URL(`/graphiql${fragment}`, roster.url).href);
  await (await introspected).finished();
  await page.waitForSelector(`${editor} .view-line`);
  await page.waitForFunction(() => !document.querySelector(".graphiql-spinner"));
}

async function replaceQuery(query) {
  await page.click(`${editor} .view-lines`);
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await page.keyboard.type(query); // brackets that the editor closes by itself are typed over
  const title = query.match(/^query (\w+)/)?.[1] ?? "<untitled>";
  await page.locator(".graphiql-tab-active", { hasText: title }).waitFor(); // what would run is the new query
  assert.equal(await shown(editor), query);
}

/** Starts the operation with `start` and gives its answer, once the response pane shows it. */
async function run(start) {
  const answered = page.waitForResponse((response) => isOperation(undefined)(response));
  await start();
  const answer = await (await answered).json();
  await page.waitForFunction(
    (selector) =>
      !document.querySelector(".graphiql-spinner") && document.querySelector(selector)?.innerText.includes("{"),
    `${response} .view-lines`,
  );
  return answer;
}

function isOperation(name) {
  return (response) => {
    if (new URL(response.url()).pathname !== "/graphql") return false;
    const { operationName } = response.request().postDataJSON();
    return name ? operationName === name : operationName !== "IntrospectionQuery";
  };
}

/** What an editor shows, spaces and line ends as single spaces. */
async function shown(selector) {
  return words(await page.locator(`${selector} .view-lines`).innerText());
}

function words(text) {
  return text.split(/\s+/).filter(Boolean).join(" ");
}

function assertSucceeded({ data, errors }) {
  assert.equal(errors, undefined);
  assert.ok(data);
}

/** 1280 × 800, and more than a few of its lines of pixels differ. */
function assertPicture(png) {
  assert.equal(png.toString("latin1", 1, 4), "PNG");
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [1280, 800]);
  const data = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const pixels = inflateSync(Buffer.concat(data));
  const stride = pixels.length / 800;
  const lines = new Set(Array.from({ length: 800 }, (_, line) => pixels.toString("latin1", line * stride, (line + 1) * stride)));
  assert.ok(lines.size > 100, `only ${lines.size} distinct lines of pixels`);
}
