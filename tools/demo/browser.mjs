// A real browser: `CHROMIUM_BIN`, or one on PATH.
import { existsSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
/** No sandbox as root in a container; no traffic of the browser's own. */
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** The path of a Chromium; undefined where there is none. */
export function findChromium(env = process.env) {
  if (env.CHROMIUM_BIN) return env.CHROMIUM_BIN;
  const folders = (env.PATH ?? "").split(path.delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => existsSync(file));
}

/** @returns {Promise<import("playwright-core").Browser>} */
export async function startBrowser() {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("no Chromium: install one, or set CHROMIUM_BIN to its path");
  return await chromium.launch({ executablePath, args: FLAGS });
}
