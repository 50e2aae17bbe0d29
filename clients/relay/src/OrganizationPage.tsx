import { graphql, useLazyLoadQuery } from "react-relay";
import type { OrganizationPageQuery } from "./__generated__/OrganizationPageQuery.graphql";
import { codes } from "./environment";
import { MemberList, type Members } from "./MemberList";

export interface Page extends Members {
  owner: { readonly id: string; readonly user: { readonly email: string | null | undefined } };
  organization: string;
  apiKeys: number | string;
}

export function OrganizationPage({ slug, onLoaded }: { slug: string; onLoaded: (page: Page) => void }) {
  const { organization } = useLazyLoadQuery<OrganizationPageQuery>(
    graphql`
      query OrganizationPageQuery($slug: String!) @throwOnFieldError {
        organization(by: { slug: $slug }) {
          name
          owner {
            id
            user {
              email
            }
          }
          apiKeys @catch {
            totalCount
          }
          ...MemberList_organization
        }
      }
    `,
    { slug },
  );
  if (!organization) throw new Error(`There is no organization ${slug} that you may see.`);

  const { name, owner, apiKeys } = organization;
  const keys = apiKeys.ok ? apiKeys.value.totalCount : codes(apiKeys.errors);
  return (
    <main>
      <h1>{name}</h1>
      <MemberList
        organization={organization}
        onLoaded={(members) => onLoaded({ ...members, owner, organization: name, apiKeys: keys })}
      />
      <p>API keys: {keys}</p>
    </main>
  );
}
