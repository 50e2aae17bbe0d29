import { graphql } from "react-relay";
import type { inviteMutation } from "./__generated__/inviteMutation.graphql";
import { codes, mutate } from "./environment";

export async function invite(slug: string, emails: string[]) {
  const { organizationInvite } = await mutate<inviteMutation>(
    graphql`
      mutation inviteMutation($input: OrganizationInviteInput!) {
        organizationInvite(input: $input) @catch {
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
    `,
    { input: { organization: { slug }, emails } },
  );
  if (!organizationInvite.ok) throw new Error(codes(organizationInvite.errors));
  const { results, userErrors } = organizationInvite.value;
  if (!results) throw new Error(userErrors.map(({ message }) => message).join(" "));
  return results.map(({ email, status, invitation, userErrors }) => ({
    email,
    status,
    invitation: invitation && { status: invitation.status, expiresOn: invitation.expiresAt.slice(0, 10) },
    codes: userErrors.map(({ code }) => code),
  }));
}
