import { useEffect, useState } from "react";
import { graphql, usePaginationFragment } from "react-relay";
import type { MemberList_organization$key } from "./__generated__/MemberList_organization.graphql";
import type { MemberListPageQuery } from "./__generated__/MemberListPageQuery.graphql";

export interface Members {
  members: string[];
  totalCount: number;
}

interface Props {
  organization: MemberList_organization$key;
  onLoaded: (members: Members) => void;
}

/** Shows page after page, until all members are there. */
export function MemberList({ organization, onLoaded }: Props) {
  const { data, hasNext, isLoadingNext, loadNext } = usePaginationFragment<
    MemberListPageQuery,
    MemberList_organization$key
  >(
    graphql`
      fragment MemberList_organization on Organization
      @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "String" })
      @refetchable(queryName: "MemberListPageQuery")
      @throwOnFieldError {
        members(first: $first, after: $after) @connection(key: "MemberList_members") {
          totalCount
          edges {
            node {
              user {
                displayName
                email
              }
            }
          }
        }
      }
    `,
    organization,
  );
  const { edges, totalCount } = data.members;
  const members = edges.map(({ node: { user } }) =>
    user.email ? `${user.displayName} <${user.email}>` : user.displayName,
  );

  const [failure, setFailure] = useState<Error | null>(null);
  if (failure) throw failure;
  useEffect(() => {
    if (!hasNext) onLoaded({ members, totalCount });
    else if (!isLoadingNext) loadNext(2, { onComplete: setFailure });
  });

  return (
    <ol>
      {members.map((member) => (
        <li key={member}>{member}</li>
      ))}
    </ol>
  );
}
