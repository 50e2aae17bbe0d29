import { useGraphiQL, useHeadersEditorState } from "@graphiql/react";
import { authorizationIn, withAuthorization } from "./headers";
import type { Person } from "./settings";

/** Shows and sets whose `Authorization` is in the headers of the tab. */
export function SignedInAs({ people }: { people: Person[] }) {
  const [headers, setHeaders] = useHeadersEditorState();
  const ready = useGraphiQL((state) => Boolean(state.headerEditor));
  const authorization = ready ? authorizationIn(headers) : undefined;
  const person = people.find((person) => person.authorization === authorization);
  const selected = person?.name ?? (authorization ? "other" : "nobody");

  return (
    <label className="signed-in-as">
      Signed in as:{" "}
      <select
        disabled={!ready}
        value={selected}
        onChange={(event) => {
          const chosen = people.find(({ name }) => name === event.target.value);
          setHeaders(withAuthorization(headers, chosen?.authorization));
        }}
      >
        {people.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
        <option value="nobody">nobody</option>
        {selected === "other" && <option value="other">another token</option>}
      </select>
    </label>
  );
}
