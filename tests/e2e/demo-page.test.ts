/** The demo's page in a real browser. */
import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterEach, expect, test } from "vitest";
import { WITHOUT_BROWSER, startBrowser } from "./browser.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE_ADDRESS = /http:\/\/127\.0\.0\.1:\d+\/#\S*thread=\S+/;

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

test.skipIf(WITHOUT_BROWSER)("the page shows the session: reasoning, commands with output, a file change, the answer", async () => {
  const address = await startDemo("--speed", "4", "--token-ms", "5");
  browser = await startBrowser();
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
