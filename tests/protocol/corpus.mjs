import { readFile, readdir } from "node:fs/promises";
import { getIntrospectionQuery } from "graphql";

/** Operations that can be sent as they are: the documentation's, GraphiQL's, the demo's, and those of `corpus/`. */
export async function corpus() {
  const guides = await texts("../../docs/coming-from/", ".md");
  const story = await readFile(new URL("../../src/commands/story.rs", import.meta.url), "utf8");
  const introspection = { specifiedByUrl: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true };
  return [
    ...(await texts("corpus/", ".graphql")),
    ...guides.flatMap((guide) => [...guide.matchAll(/^```graphql\n(.*?)^```/gms)].map(([, block]) => block)),
    story.match(/QUERY: &str = r#"(.*?)"#;/s)[1],
    getIntrospectionQuery(introspection),
  ];
}

async function texts(folder, extension) {
  const url = new URL(folder, import.meta.url);
  const files = (await readdir(url)).filter((file) => file.endsWith(extension)).sort();
  return Promise.all(files.map((file) => readFile(new URL(file, url), "utf8")));
}
