import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: "src/*.graphql",
  generates: {
    "src/__generated__/graphql.ts": {
      plugins: ["typescript-operations", "typed-document-node"],
      config: {
        nonOptionalTypename: true,
        skipTypeNameForRoot: true,
        scalars: { DateTime: "string", ID: "string", URL: "string" },
        strictScalars: true,
        useTypeImports: true,
      },
    },
  },
};

export default config;
