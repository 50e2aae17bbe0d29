import { Window } from "happy-dom";
import { Suspense } from "react";
import { RelayEnvironmentProvider } from "react-relay";
import { environment } from "./environment";
import { invite } from "./invite";
import { OrganizationPage, type Page } from "./OrganizationPage";
import { remove } from "./remove";

const browser = new Window();
Object.assign(globalThis, { window: browser, document: browser.document, navigator: browser.navigator });
const { createRoot } = await import("react-dom/client"); // looks for a document when it is loaded

function render(slug: string) {
  return new Promise<Page>((resolve, reject) => {
    createRoot(document.body, { onUncaughtError: reject }).render(
      <RelayEnvironmentProvider environment={environment}>
        <Suspense>
          <OrganizationPage slug={slug} onLoaded={resolve} />
        </Suspense>
      </RelayEnvironmentProvider>,
    );
  });
}

const [slug, email] = process.argv.slice(2);
if (!slug || !email) throw new Error("usage: node dist/main.js ORGANIZATION EMAIL");

const { owner, ...page } = await render(slug);
console.log(
  JSON.stringify({
    ...page,
    invited: await invite(slug, [email, owner.user.email].filter((address) => address != null)),
    removed: await remove(owner.id),
  }),
);
