import {
  commitMutation,
  Environment,
  type FetchFunction,
  type GraphQLSingularResponse,
  type GraphQLTaggedNode,
  type MutationParameters,
  Network,
  type PayloadError,
} from "relay-runtime";

/** What `@catch` finds in `errors`. */
export interface FieldError {
  path: (string | number)[];
  extensions: { code: string };
}

export function codes(errors: readonly FieldError[]) {
  return errors.map(({ extensions }) => extensions.code).join(" ");
}

type Answer = GraphQLSingularResponse & { errors?: (PayloadError & FieldError)[] };

const fetchFromRoster: FetchFunction = async ({ text }, variables) => {
  const response = await fetch(new URL("/graphql", process.env.ROSTER_URL), {
    method: "POST",
    headers: {
      accept: "application/graphql-response+json, application/json;q=0.9",
      authorization: `Bearer ${process.env.ROSTER_TOKEN}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ query: text, variables }),
  });
  const answer: Answer = await response.json();
  const [error] = answer.errors ?? [];
  if (error && !answer.data) throw new Error(`${error.extensions.code}: ${error.message}`);
  return answer;
};

export const environment = new Environment({ network: Network.create(fetchFromRoster) });

export function mutate<Mutation extends MutationParameters>(
  mutation: GraphQLTaggedNode,
  variables: Mutation["variables"],
): Promise<Mutation["response"]> {
  return new Promise((resolve, reject) => {
    commitMutation<Mutation>(environment, { mutation, variables, onCompleted: resolve, onError: reject });
  });
}
