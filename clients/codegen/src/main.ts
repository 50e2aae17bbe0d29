import { execute, RosterError } from "./execute.js";
import { type FragmentType, getFragmentData, graphql } from "./gql/index.js";

const MemberFragment = graphql(`
  fragment Member on OrganizationMember {
    user {
      displayName
      email
    }
  }
`);

const MembersQuery = graphql(`
  query Members($slug: String!, $after: String) {
    organization(by: { slug: $slug }) {
      owner {
        id
        user {
          email
        }
      }
      members(first: 2, after: $after) {
        totalCount
        nodes {
          ...Member
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

const InviteMutation = graphql(`
  mutation Invite($input: OrganizationInviteInput!) {
    organizationInvite(input: $input) {
      results {
        email
        status
        invitation {
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
      name
      apiKeys {
        totalCount
      }
    }
  }
`);

function line(member: FragmentType<typeof MemberFragment>) {
  const { user } = getFragmentData(MemberFragment, member);
  return user.email ? `${user.displayName} <${user.email}>` : user.displayName;
}

async function memberPage(slug: string, after: string | null) {
  const { organization } = await execute(MembersQuery, { slug, after });
  if (!organization) throw new Error(`There is no organization ${slug} that you may see.`);
  return organization;
}

async function listMembers(slug: string) {
  const members: string[] = [];
  for (let after: string | null = null; ; ) {
    const { owner, members: page } = await memberPage(slug, after);
    members.push(...page.nodes.map(line));
    if (!page.pageInfo.hasNextPage) return { owner, members, totalCount: page.totalCount };
    after = page.pageInfo.endCursor;
  }
}

async function invite(slug: string, emails: string[]) {
  const { organizationInvite } = await execute(InviteMutation, { input: { organization: { slug }, emails } });
  const { results, userErrors } = organizationInvite;
  if (!results) throw new Error(userErrors.map(({ message }) => message).join(" "));
  return results.map(({ email, status, invitation, userErrors }) => ({
    email,
    status,
    invitation: invitation && { status: invitation.status, expiresOn: invitation.expiresAt.slice(0, 10) },
    codes: userErrors.map(({ code }) => code),
  }));
}

async function remove(id: string) {
  const { organizationMemberRemove } = await execute(RemoveMutation, { input: { member: { id } } });
  return organizationMemberRemove.userErrors.map(({ code }) => code);
}

async function countApiKeys(slug: string) {
  const { organization } = await execute(ApiKeysQuery, { slug });
  try {
    return { organization: organization?.name, apiKeys: organization?.apiKeys.totalCount };
  } catch (error) {
    if (!(error instanceof RosterError)) throw error;
    return { organization: organization?.name, apiKeys: error.code };
  }
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
