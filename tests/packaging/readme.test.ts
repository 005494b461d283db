/**
 * An app of what README.md says, and nothing else: type-checked as the template that it names does, pushed with the real CLI, built by
 * Vite, opened (in jsdom), and answered through the bridge of the package's own command, over a recording of codex.
 */
import { spawn } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer } from "../../tools/embedded-convex/run.mjs";
import { PACKAGE, ROOT, filesIn, installApp, node, removeFolder, temporaryFolder, typeCheck, writeIn } from "./app.js";
import { documents } from "./documents.js";

const EMBEDDED_CONVEX = path.join(ROOT, "tools/embedded-convex/cli.mjs");
const PLAYER = path.join(ROOT, "tools/replay-codex/replay-codex.mjs");
/** What codex says in it is this, whatever it is asked. */
const RECORDING = "plain";
const SAID = [
  // The stand-in gives back what it was asked.
  "user: What is in this folder?",
  "assistant: The parser reads one line at a time. It keeps a small buffer, so a message that spans two reads is still whole. Zażółć gęślą jaźń 🐍, done.",
];
/** SOURCE: tsconfig.app.json of create-vite 9.3.0, template react-ts. */
const TEMPLATE = {
  target: "es2023",
  lib: ["ES2023", "DOM"],
  types: ["vite/client"],
  allowArbitraryExtensions: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
  verbatimModuleSyntax: true,
  moduleDetection: "force",
  noUnusedLocals: true,
  noUnusedParameters: true,
  erasableSyntaxOnly: true,
  noFallthroughCasesInSwitch: true,
};

/** The bridge finds every function that it can call. */
const USES = `
  import type { CodexBridgeApi } from "${PACKAGE}/host";
  import { api } from "../convex/_generated/api";
  export const functions: CodexBridgeApi = api.chat;`;

/** The button's token is one that the bridge's functions take, and its thread is the page's. */
const STEPS = `
  import { createDeviceEntropy } from "${PACKAGE}";
  export default async ({ call, assert }) => {
    const { token: deviceToken } = await call("chat:issueDeviceToken", { deviceId: "laptop", entropy: createDeviceEntropy() });
    const { threadId } = await call("chat:resolveThread", { deviceToken, externalThreadId: "shop" });
    const { page } = await call("chat:listThreadsForHooks", { paginationOpts: { cursor: null, numItems: 10 } });
    assert.deepEqual(page.map((thread) => thread.threadId), [threadId]);
    const payloadJson = JSON.stringify({ input: [{ type: "text", text: "What is in this folder?" }] });
    await call("chat:sendCommand", { threadId, commandId: "c1", kind: "turn", payloadJson });
    const [waiting] = await call("chat:listOpenCommandsForBridge", { deviceToken, threadId });
    assert.equal(waiting.commandId, "c1");
  };`;

/**
 * The page that Vite built, used by somebody: takes a token, and when the bridge is there asks; is told that the machine's policy refuses
 * that, has its owner take the policy away, asks again and reads. Another thread becomes the newest then, and the page stays where it is.
 */
const USER = `
  import { createRequire } from "node:module";
  import { rmSync } from "node:fs";
  const require = createRequire(${JSON.stringify(path.join(ROOT, "package.json"))});
  const { JSDOM } = require("jsdom");
  const { window } = new JSDOM('<div id="root"></div>');
  const { document, MutationObserver } = window;
  Object.assign(globalThis, { window, document, MutationObserver, WebSocket: createRequire(require.resolve("convex/browser"))("ws") });
  Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
  const { ConvexHttpClient } = require("convex/browser");
  const [script, answer, policy, url] = process.argv.slice(2);
  let deviceToken;
  window.prompt = (_, token) => {
    if (deviceToken === undefined) {
      console.log(deviceToken = token);
      return;
    }
    // The page has a token made after the other thread, so that it knows of that too.
    setImmediate(() => setImmediate(() => {
      console.log(JSON.stringify([...root.querySelectorAll("p")].map((row) => row.textContent)));
      process.exit(0);
    }));
  };
  const root = window.document.getElementById("root");
  const button = (label) => [...root.querySelectorAll("button")].find(({ textContent }) => textContent === label);
  const seen = new Set();
  let [isRefused, isRead] = [false, false];
  new MutationObserver(() => {
    for (const label of ["Connect my laptop", "Ask"]) {
      if (seen.has(label) || button(label) === undefined) continue;
      seen.add(label);
      button(label).click();
    }
    if (!isRefused && root.textContent.includes("refused (E_COMMAND_NOT_ALLOWED): What is in this folder?")) {
      isRefused = true;
      rmSync(policy);
      button("Ask").click();
    }
    if (!isRefused || isRead || !root.textContent.includes(answer)) return;
    isRead = true;
    void new ConvexHttpClient(url).mutation("chat:resolveThread", { deviceToken, externalThreadId: "other" }).then(() => button("Connect my laptop").click());
  }).observe(root, { childList: true, subtree: true, characterData: true });
  await import(script);`;

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => removeFolder(folder));

test("the app of the README type-checks, is pushed, answers page and bridge, and shows what codex says", async () => {
  const { app } = await installApp(folder);
  const blocks = documents.find(({ file }) => file === "README.md")?.blocks ?? [];
  const named = blocks.flatMap(({ value: { text } }) => {
    const [, file] = /^\/\/ (\S+\.tsx?)\n/.exec(text) ?? [];
    return file === undefined ? [] : [[file, text] as const];
  });
  expect(named.map(([file]) => file)).toEqual(["convex/convex.config.ts", "convex/chat.ts", "src/main.tsx", "src/App.tsx"]);
  // Nothing that has to be typed in is hidden.
  expect(blocks.filter(({ value: { language } }) => /^tsx?$/.test(language))).toHaveLength(named.length);
  await writeIn(app, { ...Object.fromEntries(named), "src/uses.ts": USES, "steps.mjs": STEPS });
  await node(app, EMBEDDED_CONVEX, "codegen", app);
  await typeCheck(app, ["src"], TEMPLATE);
  expect(await node(app, EMBEDDED_CONVEX, "script", app, "steps.mjs")).toMatch(/script ok/);

  const server = await startServer(app);
  const ended: (() => void)[] = [];
  const run = (args: string[], env: NodeJS.ProcessEnv = {}) => {
    const child = spawn(process.execPath, args, { cwd: app, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
    ended.push(() => child.kill());
    return createInterface({ input: child.stdout });
  };
  try {
    await writeIn(app, { "index.html": '<div id="root"></div><script type="module" src="/src/main.tsx"></script>', "user.mjs": USER });
    const define = { "import.meta.env.VITE_CONVEX_URL": JSON.stringify(server.url) };
    await build({ root: app, configFile: false, logLevel: "error", define });
    const script = (await filesIn(path.join(app, "dist"))).find((file) => file.endsWith(".js"))!;
    const state = path.join(folder, "state");
    const policy = path.join(state, "policy.json");
    await mkdir(state);
    await writeFile(policy, JSON.stringify({ kinds: ["interrupt"] }));
    const page = run(["user.mjs", path.join(app, "dist", script), SAID.at(-1)!, policy, server.url])[Symbol.asyncIterator]();
    const { value: token } = (await page.next()) as { value: string };

    const project = path.join(folder, "codex-try");
    await Promise.all([mkdir(project), chmod(PLAYER, 0o755)]);
    const codex = { CODEX_BIN: PLAYER, REPLAY_TRANSCRIPT: RECORDING, REPLAY_SPEED: "0" };
    const env = { ...codex, CONVEX_URL: server.url, CODEX_DEVICE_TOKEN: token, HOME: folder };
    run([path.join(app, "node_modules", PACKAGE, "dist/lib/cli/main.js"), "bridge", "--thread", "shop", "--cwd", project, "--state", state], env);
    const { value: shown } = (await page.next()) as { value: string };
    expect(JSON.parse(shown)).toEqual(SAID);
  } finally {
    for (const end of ended) end();
    await server.stop();
  }
});
