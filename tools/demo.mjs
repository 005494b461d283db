#!/usr/bin/env node
// `npm run demo`: a Codex session, kept in Convex and seen live in the terminal and in a browser.
//
//   codex (a recording's stand-in, or the real one with --live) -> bridge -> Convex (embedded, or CONVEX_URL) -> terminal, web page
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DemoError, liveSession, recordedSession } from "./demo/live.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BRIDGE = fileURLToPath(new URL("demo/bridge.mjs", import.meta.url));
const USAGE = `usage: npm run demo [-- options]

  --record NAME   which recording the stand-in for codex plays (default: demo; they are in tests/fixtures/transcripts)
  --speed N       1 is the recording's own pace, 0 without pauses (default: 1)
  --token-ms N    the least pause before a streamed piece of text (default: 35)
  --live          a real codex: CODEX_BIN, or codex of PATH; with a scripted model where no account is configured
  --once          end when the session has ended
  --page-port N   where the web page is served (default: any free port)

  CONVEX_URL      a deployment that takes the embedded one's place; run \`npx convex dev\` for it before, and
                  npx convex env set ACTOR_TENANT_ID demo
                  npx convex env set ACTOR_USER_ID demo`;
const TENANT_ID = "demo";
const USER_ID = "demo";
const actorOf = (deviceId) => ({ tenantId: TENANT_ID, userId: USER_ID, deviceId });
const QUIET_MS = 400;
const SETTLE_MAX_MS = 20_000;
const BRIDGE_GRACE_MS = 8000;
const POLL_MS = 50;

const OPTIONS = {
  record: { type: "string", default: "demo" },
  speed: { type: "string", default: "1" },
  "token-ms": { type: "string" },
  "page-port": { type: "string", default: "0" },
  live: { type: "boolean", default: false },
  once: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
};

const flags = readFlags();
if (flags.help) {
  console.log(USAGE);
  process.exit(0);
}

function readFlags() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    console.error(`E_DEMO_OPTION: ${error.message}\n\n${USAGE}`);
    process.exit(1);
  }
}

/** What has been started, to be stopped in the opposite order. */
const started = [];
let stopping;
const stop = (code) => (stopping ??= stopAll(code));

async function stopAll(code) {
  for (const close of started.reverse()) await close().catch((error) => console.error(error.message));
  process.exit(code);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => void stop(0));

// Whoever read the output has gone, such as `head`.
process.stdout.on("error", () => void stop(0));

const say = (text) => console.log(text);

try {
  await demo();
} catch (error) {
  await fail(error);
}

async function fail(error) {
  console.error(error instanceof DemoError ? `\n${error.message}` : error);
  await stop(1);
}

async function demo() {
  const tokenMs = flags["token-ms"] === undefined ? undefined : numberOf("token-ms");
  const session = flags.live
    ? await liveSession()
    : recordedSession({ record: flags.record, speed: numberOf("speed"), ...(tokenMs === undefined ? {} : { tokenMs }) });
  started.push(session.close);

  const page = await startPage();
  const { deploymentUrl, describe } = await startConvex(page.origin);
  page.connectTo(deploymentUrl);
  const { Terminal } = await import("./demo/terminal.mjs");
  const terminal = new Terminal({
    deploymentUrl,
    actor: actorOf("terminal"),
    write: (text) => process.stdout.write(text),
    onError: (error) => console.error(`! ${error.message.split("\n")[0]}`),
    onMissing: () => void (stopping ?? fail(wrongActor(deploymentUrl))),
  });
  started.push(() => terminal.close());

  say(`\n  codex     ${session.describe}`);
  say(`  Convex    ${describe}`);
  const bridge = startBridge({
    deploymentUrl,
    actor: actorOf("bridge"),
    codex: session.codex,
    drive: session.drive,
  });
  let shown = false;
  bridge.onThread = (threadId) => {
    if (shown) return; // a session may have several threads; the page lists them all
    shown = true;
    say(`  web page  ${page.origin}/#${new URLSearchParams({ url: deploymentUrl, thread: threadId })}`);
    say(flags.once ? "" : "            open it in a browser; Ctrl-C ends the demo\n");
    terminal.follow(threadId);
  };
  const done = await bridge.ended;
  if (stopping) return;
  const isSettled = await settled(terminal);
  if (stopping) return;
  if (flags.once && !isSettled) throw new DemoError("E_DEMO_UNSETTLED", `${deploymentUrl} did not show the whole session within ${SETTLE_MAX_MS / 1000} s`);
  say(`The session has ended: ${done.events} events in ${done.batches} batches.${flags.once ? "" : " The page stays live until Ctrl-C."}`);
  if (flags.once) await stop(0);
}

function numberOf(name) {
  const value = Number(flags[name]);
  if (flags[name] === "" || !Number.isFinite(value) || value < 0) throw new DemoError("E_DEMO_OPTION", `--${name} wants a number from 0 up`);
  return value;
}

async function startPage() {
  const { buildPage, servePage } = await import("./demo/page.mjs");
  await buildPage({ onBuild: () => say("Building the web page ...") });
  const page = await servePage({ port: numberOf("page-port") });
  started.push(page.close);
  return page;
}

async function startConvex(pageOrigin) {
  const own = process.env.CONVEX_URL;
  if (own) {
    await assertPushed(own);
    return { deploymentUrl: own, describe: `${own} (CONVEX_URL), as \`npx convex dev\` left it` };
  }
  say("Starting the embedded Convex ...");
  const { startServer } = await import("./embedded-convex/run.mjs");
  const onLog = (line) => console.error(`! Convex: ${line}`);
  const env = { ACTOR_TENANT_ID: TENANT_ID, ACTOR_USER_ID: USER_ID };
  const server = await startServer(ROOT, { allowedOrigins: [pageOrigin], env, onLog }).catch((error) => {
    throw new DemoError("E_DEMO_PUSH", `the example app could not be pushed: ${error.message}`);
  });
  started.push(server.stop);
  void server.exited.then((code) => {
    if (!stopping) console.error(`\nE_DEMO_CONVEX_ENDED: the embedded Convex ended (${code})`);
    void stop(1);
  });
  return { deploymentUrl: server.url, describe: "embedded: in memory, on 127.0.0.1, gone when the demo ends" };
}

async function assertPushed(deploymentUrl) {
  const { ConvexHttpClient } = await import("convex/browser");
  const { anyApi } = await import("convex/server");
  try {
    const client = new ConvexHttpClient(deploymentUrl, { logger: false });
    await client.query(anyApi.chat.listThreads, { actor: actorOf("terminal"), paginationOpts: { cursor: null, numItems: 1 } });
  } catch (error) {
    throw new DemoError("E_DEMO_CONVEX_URL", `${deploymentUrl} does not answer as the example app does; run \`npx convex dev\` for it first (${error.message.split("\n")[0]})`);
  }
}

/** The bridge writes its thread before it is read: where that is missing, the deployment reads as somebody else. */
function wrongActor(deploymentUrl) {
  const commands = [`npx convex env set ACTOR_TENANT_ID ${TENANT_ID}`, `npx convex env set ACTOR_USER_ID ${USER_ID}`];
  return new DemoError("E_DEMO_ACTOR", `${deploymentUrl} reads as another actor than the demo writes as; run these, then the demo again:\n  ${commands.join("\n  ")}`);
}

/** Runs the bridge in a process of its own, in a process group of its own: a Ctrl-C reaches this process, which ends the bridge in order. */
function startBridge(config) {
  const bridge = { onThread: () => {} };
  const child = spawn(process.execPath, [BRIDGE], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"], detached: true });
  const closed = new Promise((done) => child.on("close", done));
  bridge.ended = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { report, ...fields } = JSON.parse(line);
      if (report === "thread") bridge.onThread(fields.threadId);
      if (report === "warning") console.error(`! ${fields.text}`);
      if (report === "done") resolve(fields);
    });
    child.on("error", reject);
    void closed.then((code) => {
      if (stopping) resolve({});
      else reject(new DemoError("E_DEMO_BRIDGE_ENDED", `the bridge ended unexpectedly (${code})`));
    });
  });
  child.stdin.on("error", () => {});
  child.stdin.write(`${JSON.stringify(config)}\n`);
  started.push(async () => {
    child.stdin.end();
    const killer = setTimeout(() => child.kill("SIGKILL"), BRIDGE_GRACE_MS);
    await closed;
    clearTimeout(killer);
  });
  return bridge;
}

/** Whether the whole session is shown, once it is or it takes too long. */
async function settled(terminal) {
  const end = Date.now() + SETTLE_MAX_MS;
  while (!terminal.isSettled(QUIET_MS) && Date.now() < end && !stopping) await sleep(POLL_MS);
  return terminal.isSettled(QUIET_MS);
}
