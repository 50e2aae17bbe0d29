import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

/** Chromium from `CHROMIUM` or the path, unable to resolve any name but that of `url`. */
export function launchChromium(url) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? findOnPath("chromium", "chromium-browser", "google-chrome"),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${url.hostname}`,
    ],
  });
}

function findOnPath(...names) {
  for (const name of names) {
    for (const folder of process.env.PATH.split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        continue;
      }
    }
  }
  throw new Error(`none of ${names.join(", ")} is on the PATH: install Chromium or set CHROMIUM`);
}
