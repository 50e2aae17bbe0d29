import "./workers";
import { explorerPlugin } from "@graphiql/plugin-explorer";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { createRoot } from "react-dom/client";
import { prepareSession, storage, takeLink } from "./session";
import { loadSettings } from "./settings";
import { SignedInAs } from "./SignedInAs";

// The parts of graphiql/style.css, which repeats Monaco's own style sheets.
import "@graphiql/react/font/roboto.css";
import "@graphiql/react/font/fira-code.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "@graphiql/plugin-explorer/style.css";
import "./page.css";

const settings = await loadSettings();
const initialHeaders = prepareSession(settings, takeLink());
addEventListener("hashchange", () => {
  // A link followed from the address bar changes the fragment of the open page alone.
  if (/[#&]query=/.test(location.hash)) location.reload();
});

const fetcher = createGraphiQLFetcher({
  url: "/graphql",
  subscriptionUrl: `${location.origin.replace("http", "ws")}/graphql`,
  enableIncrementalDelivery: false,
});
const plugins = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })];

// Monaco measures its font once, when the editor is made.
await document.fonts.load('15px "Fira Code"');

createRoot(document.getElementById("graphiql")!).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    storage={storage}
    shouldPersistHeaders
    isHeadersEditorEnabled
    defaultQuery={settings.query}
    defaultHeaders={settings.headers}
    initialHeaders={initialHeaders}
  >
    <GraphiQL.Logo>
      {settings.people?.length ? <SignedInAs people={settings.people} /> : null}
      <span>
        Roster · Graph<em>i</em>QL
      </span>
    </GraphiQL.Logo>
  </GraphiQL>,
);
