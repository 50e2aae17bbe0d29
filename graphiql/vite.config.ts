import { gzipSync } from "fflate";
import { basename } from "node:path";
import { defineConfig, type Plugin } from "vite";

/** Latin alone of the fonts: the rest is two thirds of the style sheet, and other scripts fall back to the reader's fonts. */
const latinFonts: Plugin = {
  name: "latin-fonts",
  enforce: "pre",
  transform(code, id) {
    if (!id.includes("@graphiql/react/font/")) return;
    return code.replaceAll(/@font-face\s*\{[^}]*\}/g, (face) =>
      /U\+0000-00FF|U\+0100-/.test(face) && !face.includes("italic") ? face : "",
    );
  },
};

/**
 * Writes every file but the page itself as `NAME.gz`.
 * Not with Node's zlib, whose bytes depend on its version and on the processor.
 */
const gzipped: Plugin = {
  name: "gzipped",
  apply: "build",
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.fileName === "index.html") continue;
        const content = file.type === "chunk" ? file.code : file.source;
        const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
        delete bundle[file.fileName];
        this.emitFile({
          type: "asset",
          fileName: `${basename(file.fileName)}.gz`,
          source: gzipSync(bytes, { level: 9, mtime: 0 }),
        });
      }
    },
  },
};

export default defineConfig({
  base: "/graphiql/",
  plugins: [latinFonts, gzipped],
  build: {
    outDir: "../src/server/graphiql/assets",
    emptyOutDir: true,
    license: { fileName: "licenses.md" },
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 4096,
    rolldownOptions: {
      checks: { moduleLevelDirective: false },
      output: { codeSplitting: false },
    },
  },
  server: {
    proxy: Object.fromEntries(
      ["/graphql", "/graphiql/settings.json"].map((path) => [
        path,
        { target: process.env.ROSTER_URL ?? "http://127.0.0.1:8080", ws: true },
      ]),
    ),
  },
});
