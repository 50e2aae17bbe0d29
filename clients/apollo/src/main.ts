import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import {
  ApiKeysDocument,
  InviteDocument,
  MembersDocument,
  type MembersQuery,
  RemoveDocument,
} from "./__generated__/graphql.js";

const client = new ApolloClient({
  link: new HttpLink({
    uri: `${process.env.ROSTER_URL}/graphql`,
    headers: { authorization: `Bearer ${process.env.ROSTER_TOKEN}` },
  }),
  cache: new InMemoryCache({
    typePolicies: { Organization: { fields: { members: relayStylePagination() } } },
  }),
});

/** Each page that `fetchMore` gets is merged into the cache, and the query emits all that is there. */
function loadMembers(slug: string) {
  return new Promise<MembersQuery>((resolve, reject) => {
    const query = client.watchQuery({ query: MembersDocument, variables: { slug } });
    query.subscribe(({ data, dataState, error, loading }) => {
      if (error) return reject(error);
      if (loading || dataState !== "complete") return;
      const pageInfo = data.organization?.members?.pageInfo;
      if (!pageInfo?.hasNextPage) return resolve(data);
      query.fetchMore({ variables: { after: pageInfo.endCursor } }).catch(reject);
    });
  });
}

async function listMembers(slug: string) {
  const { organization } = await loadMembers(slug);
  if (!organization?.owner || !organization.members) {
    throw new Error(`There is no organization ${slug} that you may see.`);
  }
  const { edges, totalCount } = organization.members;
  return {
    owner: organization.owner,
    members: edges.map(({ node: { user } }) => (user.email ? `${user.displayName} <${user.email}>` : user.displayName)),
    totalCount,
  };
}

async function invite(slug: string, emails: string[]) {
  const { data } = await client.mutate({
    mutation: InviteDocument,
    variables: { input: { organization: { slug }, emails } },
  });
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
  const { data } = await client.mutate({ mutation: RemoveDocument, variables: { input: { member: { id } } } });
  return data?.organizationMemberRemove?.userErrors.map(({ code }) => code);
}

async function countApiKeys(slug: string) {
  const { data, error } = await client.query({ query: ApiKeysDocument, variables: { slug }, errorPolicy: "all" });
  if (error && !CombinedGraphQLErrors.is(error)) throw error;
  const organization = data?.organization;
  return {
    organization: organization?.name,
    apiKeys: organization?.apiKeys?.totalCount ?? error?.errors[0]?.extensions?.code,
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
