import { spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The server at `ROSTER_URL`, or `dev` of `ROSTER_BIN`, if not of the debug build, with a data folder of its own. */
export async function startRoster(root) {
  if (process.env.ROSTER_URL) return { url: new URL(process.env.ROSTER_URL), stop: async () => {} };

  const folder = await mkdtemp(join(tmpdir(), "roster-data-"));
  await chmod(folder, 0o755); // PostgreSQL runs as another user when this runs as root
  const child = spawn(
    process.env.ROSTER_BIN ?? join(root, "target/debug/roster"),
    ["dev", "--listen", "127.0.0.1:0", "--data-dir", join(folder, "data")],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = new Promise((resolve) => {
    child.once("error", resolve);
    child.once("exit", (code, signal) => resolve(new Error(`roster ended: ${signal ?? code}`)));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
    await exited;
    clearTimeout(late);
    await rm(folder, { recursive: true, force: true });
  };

  const address = new Promise((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      const [, url] = line.match(/(http:\/\/127\.0\.0\.1:\d+)\/graphiql/) ?? [];
      if (url) resolve(new URL(url));
    });
  });
  const url = await Promise.race([address, exited]);
  if (url instanceof URL) return { url, stop };
  await rm(folder, { recursive: true, force: true });
  throw url;
}
