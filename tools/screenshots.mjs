#!/usr/bin/env node
// `npm run screenshots`: what README.md shows, taken of the demo in a real browser: docs/demo.png, docs/demo-phone.png, docs/demo.gif.
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import gifenc from "gifenc";
import { PNG } from "pngjs";
import { startBrowser } from "./demo/browser.mjs";
import { startDemo } from "./demo/process.mjs";

const DOCS = new URL("../docs/", import.meta.url);
const DESK = { width: 1180, height: 760 };
const PHONE = { width: 390, height: 780 };
const FRAME_MS = 250;
/** What stands still is shown so long at most: a machine may be slow. */
const STILL_MS_MAX = 1_250;
/** How long the ends of both parts are shown. */
const END_MS = 1_000;
const COLOURS = 64;
const PATIENCE_MS = 120_000;

// The pictures are of the embedded Convex.
delete process.env.CONVEX_URL;
const demo = await startDemo();
let browser;
try {
  browser = await startBrowser();
  const page = await open(demo.address, DESK, "light");
  const frames = [];
  // The moving picture shows a thread at work, and then one that waits for its approval.
  await film(page, frames, page.getByText("The total is right for every cart now."));
  await page.getByText("should mean.").first().waitFor({ timeout: PATIENCE_MS });
  await sleep(FRAME_MS);
  await page.screenshot({ path: fileURLToPath(new URL("demo.png", DOCS)) });
  const waiting = page.getByRole("navigation").getByRole("button", { name: /How many lines/ });
  await waiting.click();
  const accept = page.getByRole("button", { name: "Run it" });
  await accept.waitFor({ timeout: PATIENCE_MS });
  await film(page, frames, accept);
  const phone = await open(page.url(), PHONE, "dark");
  await phone.getByRole("button", { name: "Run it" }).waitFor({ timeout: PATIENCE_MS });
  await phone.screenshot({ path: fileURLToPath(new URL("demo-phone.png", DOCS)) });
  await accept.click();
  await film(page, frames, page.getByText("There are three lines."));
  writeFileSync(new URL("demo.gif", DOCS), gifOf(frames));
} finally {
  await browser?.close();
  await demo.stop();
}

async function open(address, viewport, colorScheme) {
  const page = await browser.newPage({ viewport, colorScheme, reducedMotion: "reduce" });
  await page.goto(address);
  await page.locator(".item").first().waitFor({ timeout: PATIENCE_MS });
  return page;
}

/** Films until something has been there for a moment. */
async function film(page, frames, what) {
  const patience = Date.now() + PATIENCE_MS;
  for (let seen = 0; seen * FRAME_MS < END_MS; ) {
    const next = Date.now() + FRAME_MS;
    if (next > patience) throw new Error(`not shown in ${PATIENCE_MS / 1_000} s: ${what}`);
    if (await what.first().isVisible()) seen += 1;
    frames.push(await page.screenshot());
    await sleep(Math.max(0, next - Date.now()));
  }
}

/** One palette for all; a picture that is as the one before lengthens that, and what stays of one is not written again. */
function gifOf(frames) {
  const { GIFEncoder, applyPalette, quantize } = gifenc;
  const pictures = frames.map((frame) => PNG.sync.read(frame));
  const sample = pictures[Math.floor(pictures.length / 2)];
  const palette = quantize(sample.data, COLOURS - 1);
  const transparentIndex = palette.length;
  const colours = [...palette, [0, 0, 0]];
  const shown = [];
  let before;
  for (const { data, width, height } of pictures) {
    const pixels = applyPalette(data, palette);
    const isSame = before?.every((pixel, at) => pixel === pixels[at]);
    if (isSame) shown.at(-1).delay = Math.min(STILL_MS_MAX, shown.at(-1).delay + FRAME_MS);
    else shown.push({ width, height, delay: FRAME_MS, pixels: before ? pixels.map((pixel, at) => (pixel === before[at] ? transparentIndex : pixel)) : pixels });
    before = pixels;
  }
  const gif = GIFEncoder();
  for (const { pixels, width, height, delay } of shown) {
    gif.writeFrame(pixels, width, height, { palette: colours, delay, transparent: true, transparentIndex, dispose: 1 });
  }
  gif.finish();
  return gif.bytes();
}
