import { FILES, release } from "./evolution.mjs";

await release(FILES);
