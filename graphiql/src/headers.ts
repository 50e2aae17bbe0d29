import { applyEdits, modify, parse } from "jsonc-parser";

/** The headers as typed, comments and trailing commas allowed; nothing if they are no object. */
function parseHeaders(text: string): Record<string, unknown> | undefined {
  const headers: unknown = parse(text, [], { allowTrailingComma: true });
  return typeof headers === "object" && headers !== null && !Array.isArray(headers)
    ? (headers as Record<string, unknown>)
    : undefined;
}

function authorizationKey(headers: Record<string, unknown>): string {
  return Object.keys(headers).find((key) => key.toLowerCase() === "authorization") ?? "Authorization";
}

export function authorizationIn(text: string): string | undefined {
  const headers = parseHeaders(text);
  const value = headers?.[authorizationKey(headers)];
  return typeof value === "string" ? value : undefined;
}

/** The same text with another `Authorization`, or with none. */
export function withAuthorization(text: string, authorization: string | undefined): string {
  const headers = parseHeaders(text);
  const edits = modify(headers ? text : "{}", [authorizationKey(headers ?? {})], authorization, {
    formattingOptions: { insertSpaces: true, tabSize: 2 },
  });
  return applyEdits(headers ? text : "{}", edits);
}
