#!/usr/bin/env node
// `npm run demo`: Codex sessions, kept in Convex, seen live in the terminal and in a browser, and steered from there.
//
//   codex (recordings' stand-ins, or the real one with --live) <-> bridge <-> Convex (embedded, or CONVEX_URL) <-> web page, terminal
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DemoError, liveSession, recordedSessions } from "./demo/sessions.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BRIDGE = fileURLToPath(new URL("demo/bridge.mjs", import.meta.url));
const USAGE = `usage: npm run demo [-- options]

  --record NAME   which recording a stand-in for codex plays; may be given several times (default: demo, and beside it some in
                  which you approve, answer or stop; all are in tests/fixtures/transcripts)
  --speed N       1 is the recording's own pace, 0 without pauses (default: 1)
  --token-ms N    the least pause before a streamed piece of text (default: 35)
  --live          a real codex, which does what you write in the page: CODEX_BIN, or codex of PATH; with a scripted model where
                  no account is configured
  --prompt TEXT   what the real codex is told first
  --once          one session, that nobody attends: approvals are given, and the demo ends when it has
  --page-port N   where the web page is served (default: any free port)

  CONVEX_URL          a deployment that takes the embedded one's place; run \`npx convex dev\` for it before
  CONVEX_AUTH_TOKEN   whom you are signed in as there: an access token of the provider in its convex/auth.config.ts`;
const DEVICE_ID = "demo-machine";
const TOKEN_TTL_MS = 24 * 60 * 60 * 1000;
const QUIET_MS = 400;
const SETTLE_MAX_MS = 20_000;
const BRIDGE_GRACE_MS = 8000;
const POLL_MS = 50;

const OPTIONS = {
  record: { type: "string", multiple: true },
  speed: { type: "string", default: "1" },
  "token-ms": { type: "string" },
  "page-port": { type: "string", default: "0" },
  live: { type: "boolean", default: false },
  prompt: { type: "string" },
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
  const isAttended = !flags.once;
  const { describe: codex, note, sessions, close } = flags.live
    ? await liveSession({ prompt: flags.prompt, isAttended })
    : recordedSessions({ records: flags.record, speed: numberOf("speed"), isAttended, ...(tokenMs === undefined ? {} : { tokenMs }) });
  started.push(close);

  const page = await startPage();
  const { deploymentUrl, authToken, describe } = await startConvex(page.origin);
  page.connectTo(deploymentUrl);
  const { connectTerminal, Terminal } = await import("./demo/terminal.mjs");
  const terminal = new Terminal({
    client: connectTerminal({ deploymentUrl, authToken }),
    write: (text) => process.stdout.write(text),
    onError: (error) => console.error(`! ${error.message.split("\n")[0]}`),
  });
  started.push(() => terminal.close());

  say(`\n  codex     ${codex}`);
  say(`  Convex    ${describe}`);
  const deviceToken = await issueToken(deploymentUrl, authToken);
  const bridge = startBridge(
    { convexUrl: deploymentUrl, deviceToken, sessions },
    {
      onThread(threadId) {
        const at = { url: deploymentUrl, ...(authToken === undefined ? {} : { token: authToken }), thread: threadId };
        say(`  web page  ${page.origin}/#${new URLSearchParams(at)}`);
        if (isAttended) say(`            open it in a browser; Ctrl-C ends the demo${note === undefined ? "" : `;\n            ${note}`}`);
        say("");
        terminal.follow(threadId);
      },
    },
  );
  const { events } = await bridge.firstEnded;
  if (stopping) return;
  const isSettled = await settled(terminal);
  if (stopping) return;
  if (flags.once && !isSettled) throw new DemoError("E_DEMO_UNSETTLED", `${deploymentUrl} did not show the whole session within ${SETTLE_MAX_MS / 1000} s`);
  say(`The session has ended: ${events} events.${flags.once ? "" : " The page stays live until Ctrl-C."}`);
  if (flags.once) await stop(0);
}

/** What lets the bridge write as the machine of who is signed in. */
async function issueToken(deploymentUrl, authToken) {
  const [{ ConvexHttpClient }, { anyApi }, { createDeviceEntropy }] = await Promise.all([
    import("convex/browser"),
    import("convex/server"),
    import("convex-codex-local/client"),
  ]);
  const client = new ConvexHttpClient(deploymentUrl, { logger: false, ...(authToken === undefined ? {} : { auth: authToken }) });
  const asked = { deviceId: DEVICE_ID, label: "the demo's machine", ttlMs: TOKEN_TTL_MS, entropy: createDeviceEntropy() };
  try {
    const { token } = await client.mutation(anyApi.chat.issueDeviceToken, asked);
    return token;
  } catch (error) {
    if (error.data?.code === "E_AUTH_SIGNED_OUT") {
      throw new DemoError("E_DEMO_SIGNED_OUT", `${deploymentUrl} wants to know who you are: set CONVEX_AUTH_TOKEN to an access token of its provider (convex/auth.config.ts)`);
    }
    throw new DemoError("E_DEMO_CONVEX_URL", `${deploymentUrl} does not answer as the example app does; run \`npx convex dev\` for it first (${error.message.split("\n")[0]})`);
  }
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
  const [{ startServer }, { DEMO_IDENTITY, ownDeployment }] = await Promise.all([import("./embedded-convex/run.mjs"), import("./demo/example.mjs")]);
  const own = ownDeployment();
  if (own !== undefined) return { deploymentUrl: own.url, authToken: own.authToken, describe: `${own.url} (CONVEX_URL), as \`npx convex dev\` left it` };
  say("Starting the embedded Convex ...");
  const onLog = (line) => console.error(`! Convex: ${line}`);
  const server = await startServer(ROOT, { allowedOrigins: [pageOrigin], identity: DEMO_IDENTITY, onLog }).catch((error) => {
    throw new DemoError("E_DEMO_PUSH", `the example app could not be pushed: ${error.message}`);
  });
  started.push(server.stop);
  void server.exited.then((code) => {
    if (!stopping) console.error(`\nE_DEMO_CONVEX_ENDED: the embedded Convex ended (${code})`);
    void stop(1);
  });
  return { deploymentUrl: server.url, describe: "embedded: in memory, on 127.0.0.1, gone when the demo ends" };
}

/**
 * Runs the bridge in a process of its own, in a process group of its own: a Ctrl-C reaches this process, which ends the bridge in order.
 * It is the first of its sessions that is followed here.
 */
function startBridge(config, { onThread }) {
  const [{ name: first }] = config.sessions;
  const child = spawn(process.execPath, [BRIDGE], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"], detached: true });
  const closed = new Promise((done) => child.on("close", done));
  const firstEnded = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { report, name, ...fields } = JSON.parse(line);
      if (fields.text !== undefined) console.error(`! ${fields.text}`);
      if (name !== first) return; // the page lists the others
      if (report === "failed") reject(new DemoError("E_DEMO_SESSION", fields.text));
      if (report === "thread") onThread(fields.threadId);
      if (report === "ended") resolve(fields);
    });
    child.on("error", reject);
    void closed.then((code) => {
      if (stopping) return resolve({});
      reject(new DemoError("E_DEMO_BRIDGE_ENDED", `the bridge ended unexpectedly (${code})`));
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
  return { firstEnded };
}

/** Whether the whole session is shown, once it is or it takes too long. */
async function settled(terminal) {
  const end = Date.now() + SETTLE_MAX_MS;
  while (!terminal.isSettled(QUIET_MS) && Date.now() < end && !stopping) await sleep(POLL_MS);
  return terminal.isSettled(QUIET_MS);
}
