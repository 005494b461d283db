/** A real browser: `CHROMIUM_BIN`, or one on PATH. Where there is none, tests that ask for it skip, but not where `CI` is set. */
import { existsSync } from "node:fs";
import path from "node:path";
import { chromium, type Browser } from "playwright-core";

const CHROMIUM = process.env["CHROMIUM_BIN"] ?? onPath("chromium", "chromium-browser", "google-chrome");
/** No sandbox as root in a container; no traffic of the browser's own. */
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Whether a test that asks for it skips. */
export const WITHOUT_BROWSER = CHROMIUM === undefined && !process.env["CI"];

/** Starts it. */
export async function startBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error("no Chromium: install one, or set CHROMIUM_BIN to its path");
  return await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

function onPath(...names: string[]): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => existsSync(file));
}
