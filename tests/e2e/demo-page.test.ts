/** The demo's page in a real browser: `CHROMIUM_BIN`, or one on PATH. Skipped where there is none, but not where `CI` is set. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Browser } from "playwright-core";
import { afterEach, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CHROMIUM = process.env["CHROMIUM_BIN"] ?? onPath("chromium", "chromium-browser", "google-chrome");
/** No sandbox as root in a container; no traffic of the browser's own. */
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const PAGE_ADDRESS = /http:\/\/127\.0\.0\.1:\d+\/#\S*thread=\S+/;

function onPath(...names: string[]): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => existsSync(file));
}

let demo: ChildProcess | undefined;
let browser: Browser | undefined;

afterEach(async () => {
  await browser?.close();
  const ended = demo?.exitCode === null ? new Promise((resolve) => demo?.once("close", resolve)) : undefined;
  demo?.kill("SIGINT");
  await ended;
});

/** Starts the demo; answers with the page's address when it is printed. */
async function startDemo(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, ["tools/demo.mjs", ...args], { cwd: ROOT, env: { ...process.env, CONVEX_URL: "" }, stdio: ["ignore", "pipe", "pipe"] });
  demo = child;
  let printed = "";
  return await new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += chunk.toString();
      const found = PAGE_ADDRESS.exec(printed);
      if (found) resolve(found[0]);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("close", (code) => {
      reject(new Error(`the demo ended with ${String(code)}:\n${printed}`));
    });
  });
}

test.skipIf(CHROMIUM === undefined && !process.env["CI"])("the page shows the session: reasoning, commands with output, a file change, the answer", async () => {
  if (CHROMIUM === undefined) throw new Error("no Chromium: install one, or set CHROMIUM_BIN to its path");
  const address = await startDemo("--speed", "4", "--token-ms", "5");
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(address);

  const reads = async (text: string) => {
    await page.getByText(text).first().waitFor({ timeout: 60_000 });
  };
  await reads("The total of my cart is NaN sometimes.");
  await reads("Finding the failing case");
  await reads("$");
  await reads("FAIL no quantity given: NaN");
  await reads("const { price, quantity = 1 } = item;");
  await reads("should mean.");
  await reads("Idle");
  expect(complaints).toEqual([]);
});
