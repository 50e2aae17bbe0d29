import { createLocalStorage, StorageAPI } from "@graphiql/toolkit";
import { authorizationIn } from "./headers";
import type { Settings } from "./settings";

/** Under a name of its own, as other programs on this host and port may keep a GraphiQL too. */
export const storage = createLocalStorage({ namespace: "roster" });
const stored = new StorageAPI(storage);

/** Contents for one tab. */
export interface Tab {
  query?: string;
  variables?: string;
  headers?: string;
}

/**
 * Makes what the browser remembers fit for GraphiQL to start from: tokens of an earlier server are
 * renewed, and `link`, or else at a first visit the settings, is the tab that opens.
 * Returns the headers to open it with, if they are not the remembered ones.
 */
export function prepareSession(settings: Settings, link: Tab | undefined): string | undefined {
  renewAuthorizations(settings);
  const opened = link ?? (stored.get("tabState") === null ? settings : undefined);
  if (!opened) return undefined;

  // GraphiQL opens the tab that equals these three, or a new one with them.
  const headers = opened.headers ?? settings.headers;
  stored.set("query", opened.query ?? "");
  stored.set("variables", link?.variables ?? "");
  if (stored.get("shouldPersistHeaders") !== "false") stored.set("headers", headers ?? "");
  return headers;
}

/** Takes `#query=…&variables=…&headers=…` out of the address, so that a reload keeps later edits. */
export function takeLink(): Tab | undefined {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const [query, variables, headers] = ["query", "variables", "headers"].map(
    (name) => parameters.get(name) ?? undefined,
  );
  if (query === undefined && variables === undefined && headers === undefined) return undefined;
  history.replaceState(null, "", location.pathname + location.search);
  return { query, variables, headers };
}

/**
 * A development server signs its tokens anew at each start. Headers that hold one handed out before
 * get the one that the same person has now, or else the default one.
 */
function renewAuthorizations(settings: Settings) {
  const current: Record<string, string> = {};
  for (const { name, authorization } of settings.people ?? []) current[name] = authorization;
  const fallback = authorizationIn(settings.headers ?? "") ?? settings.people?.[0]?.authorization;
  if (fallback === undefined) return;
  current[""] = fallback;

  const before: Record<string, string> = JSON.parse(stored.get("authorizations") ?? "{}");
  stored.set("authorizations", JSON.stringify(current));
  const renewals = Object.entries(before)
    .map(([name, old]) => [JSON.stringify(old), JSON.stringify(current[name] ?? fallback)] as const)
    .filter(([old, now]) => old !== now);
  if (renewals.length === 0) return;

  const renew = (headers: string) => {
    const renewal = renewals.find(([old]) => headers.includes(old));
    return renewal ? headers.replaceAll(...renewal) : headers;
  };
  stored.set("headers", renew(stored.get("headers") ?? ""));
  for (const key of ["tabState", "queries", "favorites"]) {
    const text = stored.get(key);
    if (text === null) continue;
    const renewed = JSON.parse(text, (name, value) =>
      name === "headers" && typeof value === "string" ? renew(value) : value,
    );
    stored.set(key, JSON.stringify(renewed));
  }
}
