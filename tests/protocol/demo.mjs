import assert from "node:assert/strict";

export const SUBSCRIPTION = "subscription { viewerInvitationChanged { id status invitedBy { displayName } } }";

/** The `Authorization` of one of the demo people. */
export async function authorizationOf(roster, person) {
  const { people } = await (await fetch(new URL("/graphiql/settings.json", roster.url))).json();
  return people.find(({ name }) => name.startsWith(person)).authorization;
}

/** Asks over HTTP for something that has to succeed. */
export async function ask(roster, authorization, query, variables) {
  const response = await fetch(new URL("/graphql", roster.url), {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: authorization },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  return data;
}

/** Alice, who invites an address to Acme and takes the invitation back. */
export async function organizer(roster, email) {
  const alice = await authorizationOf(roster, "Alice");
  return {
    async invite() {
      const { organizationInvite } = await ask(
        roster,
        alice,
        `mutation ($email: String!) {
          organizationInvite(input: { organization: { slug: "acme" }, emails: [$email], sendEmail: false }) {
            results { status invitation { id } }
          }
        }`,
        { email },
      );
      const [{ status, invitation }] = organizationInvite.results;
      assert.equal(status, "SUCCEEDED");
      return invitation.id;
    },

    async revoke(id) {
      const { invitationRevoke } = await ask(
        roster,
        alice,
        "mutation ($id: ID!) { invitationRevoke(input: { invitationId: $id }) { userErrors { code } } }",
        { id },
      );
      assert.deepEqual(invitationRevoke.userErrors, []);
    },
  };
}

/** The next of `events` that is about this invitation. */
export async function told(events, id) {
  for (;;) {
    const { value, done } = await events.next();
    assert.ok(!done, "the subscription ended");
    assert.equal(value.errors, undefined);
    const { id: of, ...invitation } = value.data.viewerInvitationChanged;
    if (of === id) return invitation;
  }
}

/** All that a client answers. */
export async function all(answers) {
  const list = [];
  for await (const answer of answers) list.push(answer);
  return list;
}
