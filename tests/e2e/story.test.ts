/** The page on scripted rows in a real browser, at the widths of a phone and a desk: everybody can use it, and nothing runs away. */
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser } from "playwright-core";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WITHOUT_BROWSER, startBrowser } from "./browser.js";

const SERIOUS = ["serious", "critical"];

let browser: Browser;
let server: ViteDevServer;
let origin: string;

beforeAll(async () => {
  if (WITHOUT_BROWSER) return;
  server = await createServer({ configFile: "example/web/vite.config.ts", logLevel: "error", server: { port: 0, host: "127.0.0.1", hmr: false } });
  await server.listen();
  origin = server.resolvedUrls!.local[0]!;
  browser = await startBrowser();
});

afterAll(async () => {
  if (WITHOUT_BROWSER) return;
  await browser.close();
  await server.close();
});

const LOOKS = [
  ["running", "light", 1280],
  ["running", "dark", 360],
  ["finished", "light", 360],
  ["finished", "dark", 1280],
] as const;

test.skipIf(WITHOUT_BROWSER).each(LOOKS)("%s, %s, %i px: usable by everybody, and as wide as the page", async (scene, colorScheme, width) => {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (entry) => {
    if (entry.type() === "error" && !entry.location().url.endsWith("favicon.ico")) complaints.push(entry.text());
  });
  await page.goto(`${origin}dev/story.html?scene=${scene}`);
  await page.locator(".item").first().waitFor();
  for (const button of await page.locator(".fold, .too-large .more").all()) await button.click();
  await page.locator(".item").last().waitFor();

  const { violations } = await new AxeBuilder({ page }).include(".transcript").analyze();
  const found = violations.filter(({ impact }) => SERIOUS.includes(impact ?? ""));
  expect(found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
  const overflow = await page.locator(".scroll").evaluate((scroll) => scroll.scrollWidth - scroll.clientWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  expect(complaints).toEqual([]);
  await context.close();
});

test.skipIf(WITHOUT_BROWSER).each([
  ["light", 1280],
  ["dark", 360],
] as const)("what Codex waits for, %s, %i px: usable by everybody, and accepted only where all of it came into view", async (colorScheme, width) => {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(`${origin}dev/story.html?scene=asking`);
  const card = page.getByRole("region", { name: "Codex wants to change files" }).first();
  await card.waitFor();
  const { violations } = await new AxeBuilder({ page }).include(".requests").analyze();
  const found = violations.filter(({ impact }) => SERIOUS.includes(impact ?? ""));
  expect(found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);

  const accept = card.getByRole("button", { name: "Change them" });
  const body = card.getByRole("group", { name: "What would be done" });
  // Two frames: whatever is in view was told of by then.
  const inView = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await inView();
  expect(await accept.isDisabled()).toBe(true);
  // Nothing of it is beside what scrolls, or in a second thing that does.
  const hidden = await body.evaluate((element) =>
    [element, ...element.querySelectorAll("*")].flatMap((inner) => {
      const overflow = inner.scrollWidth - inner.clientWidth > 1 && inner.clientWidth > 0 && getComputedStyle(inner).display !== "inline";
      const scrolls = inner !== element && inner.scrollHeight - inner.clientHeight > 1 && /auto|scroll|hidden/.test(getComputedStyle(inner).overflowY);
      return overflow || scrolls ? [inner.getAttribute("class")] : [];
    }),
  );
  expect(hidden).toEqual([]);
  await body.evaluate((element) => element.scrollTo(0, element.scrollHeight - element.clientHeight - 40));
  await inView();
  expect(await accept.isDisabled()).toBe(true);
  await body.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await expect.poll(() => accept.isDisabled()).toBe(false);
  const unread = page.getByRole("region", { name: "Codex wants to change files" }).nth(1);
  await unread.scrollIntoViewIfNeeded();
  await inView();
  expect(await unread.getByRole("button", { name: "Change them" }).isDisabled()).toBe(true);
  await context.close();
});

test.skipIf(WITHOUT_BROWSER)("a button that shows more of an item is as wide as its words", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  await page.goto(`${origin}dev/story.html?scene=finished`);
  await page.getByRole("button", { name: "Read all of it" }).first().waitFor();
  const wide = await page.locator(".item .more").evaluateAll((all) => all.filter((button) => button.clientWidth > button.parentElement!.clientWidth / 2).map(({ textContent }) => textContent));
  expect(wide).toEqual([]);
  await page.close();
});

test.skipIf(WITHOUT_BROWSER).each([390, 360])("what answers a request fills its card on a phone of %i px, and yes and no stand beside each other", async (width) => {
  const page = await browser.newPage({ viewport: { width, height: 800 }, reducedMotion: "reduce" });
  await page.goto(`${origin}dev/story.html?scene=asking`);
  await page.getByRole("region", { name: "Codex asks you" }).waitFor();
  const cards = await page.locator(".request-actions").evaluateAll((all) =>
    all.map((actions) => {
      const { left, right } = actions.getBoundingClientRect();
      const { paddingLeft, paddingRight } = getComputedStyle(actions);
      const boxes = [...actions.querySelectorAll(":scope > button")].map((button) => ({ said: button.textContent, box: button.getBoundingClientRect() }));
      const lines = [...new Set(boxes.map(({ box }) => box.top))].map((top) => boxes.filter(({ box }) => box.top === top));
      return lines.map((line) => ({
        said: line.map(({ said }) => said),
        before: Math.round(line[0]!.box.left - left - parseFloat(paddingLeft)),
        behind: Math.round(right - parseFloat(paddingRight) - line.at(-1)!.box.right),
      }));
    }),
  );
  const filled = (...said: string[]) => ({ said, before: 0, behind: 0 });
  const stop = filled("Decline, and stop the turn");
  expect(cards).toEqual([
    [stop, filled("Decline", "Change them")],
    [stop, filled("Decline", "Allow it")],
    [stop, filled("Decline", "Change them")],
    [filled("Answer")],
  ]);
  await page.close();
});
