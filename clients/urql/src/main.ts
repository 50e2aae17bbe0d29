import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { type FragmentOf, graphql, readFragment } from "./graphql.js";

const client = new Client({
  url: `${process.env.ROSTER_URL}/graphql`,
  fetchOptions: { headers: { authorization: `Bearer ${process.env.ROSTER_TOKEN}` } },
  exchanges: [cacheExchange({ resolvers: { Organization: { members: relayPagination() } } }), fetchExchange],
});

const MemberFragment = graphql(`
  fragment Member on OrganizationMember {
    id
    user {
      id
      displayName
      email
    }
  }
`);

const MembersQuery = graphql(
  `
    query Members($slug: String!, $after: String) {
      organization(by: { slug: $slug }) {
        id
        owner {
          id
          user {
            id
            email
          }
        }
        members(first: 2, after: $after) {
          totalCount
          edges {
            node {
              id
              ...Member
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  `,
  [MemberFragment],
);

const InviteMutation = graphql(`
  mutation Invite($input: OrganizationInviteInput!) {
    organizationInvite(input: $input) {
      results {
        email
        status
        invitation {
          id
          status
          expiresAt
        }
        userErrors {
          code
        }
      }
      userErrors {
        message
      }
    }
  }
`);

const RemoveMutation = graphql(`
  mutation Remove($input: OrganizationMemberRemoveInput!) {
    organizationMemberRemove(input: $input) {
      userErrors {
        code
      }
    }
  }
`);

const ApiKeysQuery = graphql(`
  query ApiKeys($slug: String!) {
    organization(by: { slug: $slug }) {
      id
      name
      apiKeys {
        totalCount
      }
    }
  }
`);

function line(member: FragmentOf<typeof MemberFragment>) {
  const { user } = readFragment(MemberFragment, member);
  return user.email ? `${user.displayName} <${user.email}>` : user.displayName;
}

async function memberPage(slug: string, after: string | null) {
  const { data, error } = await client.query(MembersQuery, { slug, after });
  if (error) throw error;
  const { owner, members } = data?.organization ?? {};
  if (!owner || !members) throw new Error(`There is no organization ${slug} that you may see.`);
  return { owner, members };
}

/** `relayPagination` gives each page with all before it. */
async function listMembers(slug: string) {
  for (let after: string | null = null; ; ) {
    const { owner, members } = await memberPage(slug, after);
    const { edges, pageInfo, totalCount } = members;
    if (!pageInfo.hasNextPage) return { owner, members: edges.map(({ node }) => line(node)), totalCount };
    after = pageInfo.endCursor;
  }
}

async function invite(slug: string, emails: string[]) {
  const { data, error } = await client.mutation(InviteMutation, { input: { organization: { slug }, emails } });
  if (error) throw error;
  const { results, userErrors } = data?.organizationInvite ?? {};
  if (!results) throw new Error(userErrors?.map(({ message }) => message).join(" "));
  return results.map(({ email, status, invitation, userErrors }) => ({
    email,
    status,
    invitation: invitation && { status: invitation.status, expiresOn: invitation.expiresAt.slice(0, 10) },
    codes: userErrors.map(({ code }) => code),
  }));
}

async function remove(id: string) {
  const { data, error } = await client.mutation(RemoveMutation, { input: { member: { id } } });
  if (error) throw error;
  return data?.organizationMemberRemove?.userErrors.map(({ code }) => code);
}

async function countApiKeys(slug: string) {
  const { data, error } = await client.query(ApiKeysQuery, { slug });
  if (error?.networkError) throw error;
  const organization = data?.organization;
  return {
    organization: organization?.name,
    apiKeys: organization?.apiKeys?.totalCount ?? error?.graphQLErrors[0]?.extensions.code,
  };
}

const [slug, email] = process.argv.slice(2);
if (!slug || !email) throw new Error("usage: node dist/main.js ORGANIZATION EMAIL");

const { owner, ...listed } = await listMembers(slug);
console.log(
  JSON.stringify({
    ...listed,
    ...(await countApiKeys(slug)),
    invited: await invite(slug, [email, owner.user.email].filter((address) => address != null)),
    removed: await remove(owner.id),
  }),
);
