// Each client's program against one Roster.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, request as forward } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startRoster } from "../tests/browser/roster.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
const programs = {
  apollo: [process.execPath, "apollo/dist/main.js"],
  codegen: [process.execPath, "codegen/dist/main.js"],
  relay: [process.execPath, "relay/dist/main.js"],
  urql: [process.execPath, "urql/dist/main.js"],
  python: [join(folder, "python/.venv/bin/python"), "python/main.py"],
  rust: [join(folder, "rust/target/debug/roster-client")],
};
const now = Date.now();

let roster, alice, erin;

before(async () => {
  roster = await startRoster(fileURLToPath(new URL("..", import.meta.url)));
  const { people } = await (await fetch(new URL("/graphiql/settings.json", roster.url))).json();
  [alice, erin] = ["Alice", "Erin"].map(
    (name) => people.find((person) => person.name.startsWith(name)).authorization.split(" ")[1],
  );
  await makeErinRecruiter();
});

after(() => roster?.stop());

for (const name of Object.keys(programs)) {
  test(name, async (t) => {
    await t.test("lists, pages, invites, and tells what was refused", async () => {
      const email = `${name}-${now}@example.com`;
      const { code, stdout, stderr, queries } = await run(name, erin, "acme", email);
      assert.equal(code, 0, stderr);
      assert.deepEqual(JSON.parse(stdout), await whatThereIsToSee(email));
      const pages = queries.filter((query) => /\bmembers\s*\(/.test(query));
      assert.equal(pages.length, Math.ceil(JSON.parse(stdout).totalCount / 2), "pages of two");
    });

    await t.test("does not go on without an organization", async () => {
      const { code, stdout, stderr } = await run(name, erin, "nowhere", `${name}-${now}@example.org`);
      assert.notEqual(code, 0);
      assert.equal(stdout, "");
      assert.match(stderr, /There is no organization nowhere/);
    });

    await t.test("tells why the whole request was refused", async () => {
      const { errors } = await ask("invalid", "{ viewer { user { email } } }");
      const { code, stdout, stderr } = await run(name, "invalid", "acme", `${name}-${now}@example.org`);
      assert.notEqual(code, 0);
      assert.equal(stdout, "");
      assert.ok(stderr.includes(errors[0].message), stderr);
    });
  });
}

/** What a program has to print that invited this address, put together from other questions than its own. */
async function whatThereIsToSee(email) {
  const { data, errors } = await ask(
    erin,
    `query ($email: String!, $owner: String!) {
      organization(by: { slug: "acme" }) {
        name
        members(first: 100) { totalCount nodes { user { displayName email } } }
        member(user: { email: $owner }) { isOwner }
        invited: invitations(filter: { search: $email }) { nodes { email status expiresAt } }
        ownerInvited: invitations(filter: { search: $owner }) { totalCount }
        apiKeys { totalCount }
      }
    }`,
    { email, owner: "alice@example.com" },
  );
  const { name, members, member, invited, ownerInvited } = data.organization;
  assert.equal(invited.nodes.length, 1);
  assert.equal(invited.nodes[0].status, "PENDING");
  assert.equal(ownerInvited.totalCount, 0);
  assert.equal(member.isOwner, true);
  assert.deepEqual(
    errors.map(({ path, extensions }) => [path.join("."), extensions.code]),
    [["organization.apiKeys", "FORBIDDEN"]],
  );
  const [{ status, expiresAt }] = invited.nodes;
  return {
    members: members.nodes.map(({ user }) => (user.email ? `${user.displayName} <${user.email}>` : user.displayName)),
    totalCount: members.totalCount,
    organization: name,
    apiKeys: "FORBIDDEN",
    invited: [
      { email, status: "SUCCEEDED", invitation: { status, expiresOn: expiresAt.slice(0, 10) }, codes: [] },
      { email: "alice@example.com", status: "SKIPPED", invitation: null, codes: ["ALREADY_MEMBER"] },
    ],
    removed: ["OWNER_PROTECTED"],
  };
}

/** A role that invites and removes, but sees no API keys; no demo person has one like it. */
async function makeErinRecruiter() {
  const organization = { slug: "acme" };
  const key = `recruiter-${now}`;
  const permissions = ["members.read", "members.manage", "invitations.read", "invitations.manage", "projects.create"];
  const { data } = await ask(
    alice,
    `mutation ($role: RoleCreateInput!, $member: OrganizationMemberUpdateRoleInput!) {
      roleCreate(input: $role) { userErrors { message } }
      organizationMemberUpdateRole(input: $member) { userErrors { message } }
    }`,
    {
      role: { organization, scope: "ORGANIZATION", name: "Recruiter", key, permissions },
      member: { member: { lookup: { organization, user: { email: "erin@example.com" } } }, role: { key } },
    },
  );
  assert.deepEqual(data.roleCreate.userErrors, []);
  assert.deepEqual(data.organizationMemberUpdateRole.userErrors, []);
}

async function ask(token, query, variables) {
  const response = await fetch(new URL("/graphql", roster.url), {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

/** What became of the program, and the queries it sent. */
async function run(name, token, ...args) {
  const queries = [];
  const recorder = createServer(async (request, response) => {
    const body = await text(request);
    const { searchParams } = new URL(request.url, roster.url);
    queries.push(searchParams.get("query") ?? JSON.parse(body).query);
    const { method, headers, url } = request;
    forward(new URL(url, roster.url), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    }).end(body);
  });
  await once(recorder.listen(0, "127.0.0.1"), "listening");

  const [command, ...programArgs] = programs[name];
  const child = spawn(command, [...programArgs, ...args], {
    cwd: folder,
    env: { ...process.env, ROSTER_URL: `http://127.0.0.1:${recorder.address().port}`, ROSTER_TOKEN: token },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  recorder.close();
  return { code, stdout, stderr, queries };
}
