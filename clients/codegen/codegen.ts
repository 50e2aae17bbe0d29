import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: "src/*.ts",
  importExtension: ".js",
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: { unmaskFunctionName: "getFragmentData" } },
      config: {
        documentMode: "string",
        nullability: { errorHandlingClient: true },
        scalars: { DateTime: "string", ID: "string", URL: "string" },
        strictScalars: true,
        useTypeImports: true,
      },
    },
  },
};

export default config;
