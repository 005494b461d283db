/** The core in a real browser: bundled by Vite, loaded and asked as everywhere else. */
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { build } from "vite";
import { afterEach, expect, test } from "vitest";
import { classifyLine } from "../../js-wrapper/core/bridge.js";
import { readWindow } from "../../js-wrapper/core/reads.js";
import { WITHOUT_BROWSER, startBrowser } from "./browser.js";

const CORE = fileURLToPath(new URL("../../js-wrapper/core/", import.meta.url));
const WINDOW = { runtime: undefined, alone: false, streams: [{ requested: 1, latest: 4, chunks: [{ range: { start: 0, end: 4 }, kept: [{ start: 0, end: 2 }] }] }] };
const LINE = '{"method":"turn/started","params":{"threadId":"t😀","turn":{"id":"u"}},"emittedAtMs":12}';

let browser: Browser | undefined;
let folder: string | undefined;

afterEach(async () => {
  await browser?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

test.skipIf(WITHOUT_BROWSER)("answers in a browser as it does in Node", async () => {
  folder = await mkdtemp(path.join(tmpdir(), "codex-core-"));
  const entry = path.join(folder, "main.js");
  await writeFile(
    entry,
    `import { classifyLine } from ${JSON.stringify(`${CORE}bridge.ts`)};
     import { readWindow } from ${JSON.stringify(`${CORE}reads.ts`)};
     globalThis.ask = (line, call) => [classifyLine(line), readWindow(call)];`,
  );
  const out = path.join(folder, "out");
  await build({ root: folder, configFile: false, logLevel: "error", build: { outDir: out, lib: { entry, formats: ["iife"], name: "main", fileName: "main" } } });
  const [script] = await readdir(out);
  browser = await startBrowser();
  const page = await browser.newPage();
  await page.addScriptTag({ content: await readFile(path.join(out, script ?? ""), "utf8") });
  const answer: unknown = await page.evaluate(`ask(${JSON.stringify(LINE)}, ${JSON.stringify(WINDOW)})`);
  expect(answer).toEqual([classifyLine(LINE), readWindow(WINDOW)]);
  expect(answer).toMatchObject([{ type: "event", threadId: "t😀", turnId: "u", opensTurn: true }, { windows: [{ status: "rebased", start: 0 }] }]);
});
