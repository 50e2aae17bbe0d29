/** What the server hands to the page; every part may be missing. */
export interface Settings {
  /** JSON text for the headers editor of a new tab. */
  headers?: string;
  /** The first tab's document. */
  query?: string;
  /** People to act as. */
  people?: Person[];
}

export interface Person {
  name: string;
  /** Value of the `Authorization` header. */
  authorization: string;
}

export async function loadSettings(): Promise<Settings> {
  try {
    const response = await fetch(`${import.meta.env.BASE_URL}settings.json`);
    return response.ok ? await response.json() : {};
  } catch {
    return {};
  }
}
