/**
 * The golden path of the seed's document, word for word: type-checked, mounted, pushed with the real CLI, fed by its bridge,
 * read by its hook in a page that Vite built. Once with nothing changed and an npm alias, with the newest `convex` and React;
 * once with the package's name put in its place, with the oldest.
 */
import { execFile } from "node:child_process";
import { chmod, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { build } from "vite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startServer } from "../../tools/embedded-convex/run.mjs";
import { PACKAGE, ROOT, installApp, node, removeFolder, temporaryFolder, typeCheck, writeIn } from "./app.js";

const SEED_NAME = "@zakstam/codex-local-component";
const RECORDING = "plain";
const PLAYER = path.join(ROOT, "tools/replay-codex/replay-codex.mjs");
const EMBEDDED_CONVEX = path.join(ROOT, "tools/embedded-convex/cli.mjs");
/** The page reads as the server's actor, the bridge writes as another: they meet where both are `demo`. */
const ACTOR = { ACTOR_TENANT_ID: "demo", ACTOR_USER_ID: "demo" };

const execute = promisify(execFile);

/** The four files of the document, in its order. */
async function goldenPath(): Promise<[config: string, chat: string, bridge: string, page: string]> {
  const seed = await readFile(path.join(ROOT, "tests/fixtures/seed.md"), "utf8");
  const path_ = seed.slice(seed.indexOf("## Golden Path"), seed.indexOf("## Required Query Contract"));
  const files = [...path_.matchAll(/```tsx?\n(.*?)```/gs)].map(([, text]) => text ?? "");
  const [config, chat, bridge, page, ...more] = files;
  if (config === undefined || chat === undefined || bridge === undefined || page === undefined || more.length > 0) {
    throw new Error(`the document has ${String(files.length)} files, not 4`);
  }
  return [config, chat, bridge, page];
}

const READER = `
  import { createRoot } from "react-dom/client";
  import { ConvexProvider, ConvexReactClient } from "convex/react";
  import { Chat } from "../src/Chat";
  export function show(element: HTMLElement, url: string, webSocketConstructor: typeof WebSocket, threadId: string) {
    const client = new ConvexReactClient(url, { webSocketConstructor });
    createRoot(element).render(<ConvexProvider client={client}><Chat threadId={threadId} /></ConvexProvider>);
  }`;

const READ_IN_JSDOM = `
  import { createRequire } from "node:module";
  const require = createRequire(${JSON.stringify(path.join(ROOT, "package.json"))});
  const { JSDOM } = require("jsdom");
  const WebSocket = createRequire(require.resolve("convex/browser"))("ws");
  const { window } = new JSDOM('<div id="root"></div>');
  Object.assign(globalThis, { window, document: window.document });
  // Node has one of its own since 21, which only a definition takes the place of.
  Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
  const [url, threadId, last] = process.argv.slice(2);
  const root = window.document.getElementById("root");
  new window.MutationObserver(() => {
    if (!root.textContent.includes(last)) return;
    console.log(JSON.stringify([...root.firstElementChild.children].map((row) => row.textContent)));
    process.exit(0);
  }).observe(root, { childList: true, subtree: true, characterData: true });
  const { show } = await import("./out/reader.js");
  show(root, url, WebSocket, threadId);`;

let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => removeFolder(folder));

async function bundle(app: string, entry: string, name: string, { ssr }: { ssr: boolean }): Promise<void> {
  const rolldownOptions = { input: path.join(app, entry), preserveEntrySignatures: "strict" as const, output: { entryFileNames: `${name}.js` } };
  await build({
    root: app,
    configFile: false,
    logLevel: "error",
    build: { ssr, outDir: path.join(app, "run/out"), emptyOutDir: false, rolldownOptions },
  });
}

describe.each([
  ["unchanged, through an npm alias, with the newest peers", (text: string) => text, { alias: SEED_NAME, peers: "newest" }],
  ["with the package's name in its place, with the oldest peers", (text: string) => text.replaceAll(SEED_NAME, PACKAGE), { peers: "oldest" }],
] as const)("the golden path, %s", (_case, named, options) => {
  test("compiles, is pushed, is fed by its bridge and read by its hook", async () => {
    const { app } = await installApp(folder, options);
    const [config, chat, bridge, page] = (await goldenPath()).map(named);
    await writeIn(app, {
      "convex/convex.config.ts": config ?? "",
      "convex/chat.ts": chat ?? "",
      "bridge/bridge.ts": bridge ?? "",
      "src/Chat.tsx": page ?? "",
      "run/reader.tsx": READER,
      "run/read.mjs": READ_IN_JSDOM,
    });
    await node(app, EMBEDDED_CONVEX, "codegen", app);
    await typeCheck(app, ["convex", "bridge", "src"]);
    await bundle(app, "bridge/bridge.ts", "bridge", { ssr: true });
    await bundle(app, "run/reader.tsx", "reader", { ssr: false });

    const server = await startServer(app, { env: ACTOR });
    try {
      await chmod(PLAYER, 0o755);
      const play = { REPLAY_TRANSCRIPT: RECORDING, REPLAY_AUTOPLAY: "1", REPLAY_SPEED: "0", REPLAY_EXIT_AT_END: "1" };
      const env = { ...process.env, ...play, CODEX_BIN: PLAYER, CONVEX_URL: server.url };
      await execute(process.execPath, [path.join(app, "run/out/bridge.js")], { cwd: app, env });

      const { threadId, texts } = await recorded();
      const last = texts.at(-1) ?? "";
      const { stdout } = await execute(process.execPath, [path.join(app, "run/read.mjs"), server.url, threadId, last], { cwd: app });
      expect(JSON.parse(stdout)).toEqual(texts);
    } finally {
      await server.stop();
    }
  });
});

/** The thread and its texts, in order, as the recording itself has them. */
async function recorded(): Promise<{ threadId: string; texts: string[] }> {
  const text = await readFile(path.join(ROOT, `tests/fixtures/transcripts/${RECORDING}.jsonl`), "utf8");
  const items = text
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { msg: { method?: string; params: { threadId: string; item: Record<string, unknown> } } }).msg)
    .filter(({ method }) => method === "item/completed");
  const texts = items.map(({ params: { item } }) => {
    const [input] = (item["content"] ?? []) as { text: string }[];
    return input?.text ?? String(item["text"]);
  });
  return { threadId: items[0]?.params.threadId ?? "", texts };
}
