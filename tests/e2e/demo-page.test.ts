/** The demo's page in a real browser. */
import type { Browser } from "playwright-core";
import { afterEach, expect, test } from "vitest";
import { WITHOUT_BROWSER, startBrowser } from "./browser.js";
import { startDemo, type Demo } from "../../tools/demo/process.mjs";

let demo: Demo | undefined;
let browser: Browser | undefined;

afterEach(async () => {
  await browser?.close();
  await demo?.stop();
});

test.skipIf(WITHOUT_BROWSER)("the page shows the session: reasoning, commands with output, a file change, the answer", async () => {
  demo = await startDemo("--speed", "4", "--token-ms", "5");
  browser = await startBrowser();
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(demo.address);

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
