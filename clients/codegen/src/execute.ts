import { toe } from "graphql-toe";
import type { TypedDocumentString } from "./gql/graphql.js";

interface ErrorJson {
  message: string;
  path?: (string | number)[];
  extensions: { code: string };
}

/** One of the `errors` of an answer. */
export class RosterError extends Error {
  readonly code: string;
  readonly path: (string | number)[] | undefined;

  constructor({ message, path, extensions }: ErrorJson) {
    super(`${extensions.code}: ${message}`);
    this.code = extensions.code;
    this.path = path;
  }
}

/** Asks the server. A field that failed throws its `RosterError` when it is read; a failed request throws at once. */
export async function execute<Data extends object, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const response = await fetch(new URL("/graphql", process.env.ROSTER_URL), {
    method: "POST",
    headers: {
      accept: "application/graphql-response+json, application/json;q=0.9",
      authorization: `Bearer ${process.env.ROSTER_TOKEN}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ query: document, variables }),
  });
  const { data, errors }: { data?: Data | null; errors?: ErrorJson[] } = await response.json();
  return toe({ data, errors: errors?.map((error) => new RosterError(error)) });
}
