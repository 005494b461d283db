/** A tab of a browser on the example's page. */
import type { Browser, Page } from "playwright-core";

/** Other processes answer, on a machine that may be busy. */
const PATIENCE_MS = 90_000;
/** What a browser says of a network that a test takes away. */
const OF_THE_NETWORK = /ERR_INTERNET_DISCONNECTED|WebSocket|reconnect/i;

/** Opens one of its own; what its console complains of is kept in `complaints`, but for the network. */
export async function openTab(browser: Browser, address: string, complaints: string[], width = 1280): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 860 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !OF_THE_NETWORK.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(address);
  return page;
}

export const transcript = (page: Page): Promise<string> => page.locator(".transcript").innerText();

export const reads = (page: Page, text: string): Promise<void> => page.locator(".transcript").getByText(text).first().waitFor();

/** What was decided, as the page lists it. */
export async function decisions(page: Page): Promise<string[]> {
  await page.getByRole("button", { name: "Decisions" }).click();
  const list = page.getByRole("region", { name: "Who decided what" });
  await list.locator("li").first().waitFor();
  const lines = await list.locator("li").allInnerTexts();
  await page.keyboard.press("Escape");
  await list.waitFor({ state: "hidden" });
  return lines;
}
