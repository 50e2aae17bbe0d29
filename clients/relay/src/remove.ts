import { graphql } from "react-relay";
import type { removeMutation } from "./__generated__/removeMutation.graphql";
import { codes, mutate } from "./environment";

export async function remove(id: string) {
  const { organizationMemberRemove } = await mutate<removeMutation>(
    graphql`
      mutation removeMutation($input: OrganizationMemberRemoveInput!) {
        organizationMemberRemove(input: $input) @catch {
          removedOrganizationMemberId @deleteRecord
          userErrors {
            code
          }
        }
      }
    `,
    { input: { member: { id } } },
  );
  if (!organizationMemberRemove.ok) throw new Error(codes(organizationMemberRemove.errors));
  return organizationMemberRemove.value.userErrors.map(({ code }) => code);
}
