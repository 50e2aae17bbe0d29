import babel from "@rolldown/plugin-babel";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [babel({ plugins: ["relay"] })],
  build: { ssr: "src/main.tsx" },
});
