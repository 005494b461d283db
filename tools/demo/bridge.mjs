// The bridge's process: Codex on one side, Convex on the other. It knows nothing of the page and the terminal, nor they of it.
// Its first line on stdin says what to run (a command line can be read by everyone); the end of stdin ends it.
// On stdout it reports, one JSON object a line: {"report": "thread" | "ended" | "failed" | "warning", …}.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { createCodexRuntime } from "convex-codex-local/host";

/** An approval of a session that goes by itself is given after a moment, so that it can be seen. */
const APPROVE_AFTER_MS = 1200;
/** A session begins after the one before it, so that the first is not held up. */
const NEXT_AFTER_MS = 1500;
const APPROVAL = /\/requestApproval$/;
const CLIENT_INFO = { name: "convex_codex_local_demo", title: "convex-codex-local demo", version: "0.0.0" };

const report = (kind, fields = {}) => process.stdout.write(`${JSON.stringify({ report: kind, ...fields })}\n`);

const input = createInterface({ input: process.stdin });
// A parent that goes before it has said what to run leaves nothing to do.
const leave = () => process.exit(0);
input.on("close", leave);
const { convexUrl, deviceToken, sessions } = JSON.parse(await new Promise((line) => input.once("line", line)));
input.off("close", leave);

/** One codex, and what the demo itself does in it. */
class Session {
  #drive;
  #runtime;

  /** @param {import("./sessions.mjs").Session} session */
  constructor({ name, codex, drive }) {
    this.name = name;
    this.#drive = drive;
    this.#runtime = createCodexRuntime({
      convexUrl,
      deviceToken,
      bridge: codex,
      clientInfo: CLIENT_INFO,
      handlers: {
        onEvent: (event) => this.#onEvent(event),
        onProtocolError: ({ code, message }) => this.#warn(code, message),
      },
    });
  }

  async begin() {
    const { thread, prompt, turn } = this.#drive;
    await this.#runtime.start(thread);
    await this.#runtime.ready();
    const { threadId, runtimeThreadId } = this.#runtime.getState();
    report("thread", { name: this.name, threadId });
    if (prompt === undefined) return; // who looks at the page says it
    const input = [{ type: "text", text: prompt, text_elements: [] }];
    await this.#runtime.appServer.request("turn/start", { threadId: runtimeThreadId, input, ...turn });
  }

  /** Sends what has happened, and ends. */
  close() {
    this.#closing ??= this.#runtime.close();
    return this.#closing;
  }
  #closing;

  #onEvent(event) {
    if (this.#drive.approve && APPROVAL.test(event.kind)) void this.#approve(JSON.parse(event.payloadJson).id);
    if (event.kind === "turn/completed") report("ended", { name: this.name, events: this.#runtime.getState().ingestMetrics.enqueuedEventCount + 1 });
  }

  async #approve(requestId) {
    await sleep(APPROVE_AFTER_MS);
    const isWaiting = this.#runtime.listPendingServerRequests().some(({ id }) => id === requestId);
    if (isWaiting) this.#runtime.respond(requestId, { decision: "accept" });
  }

  #warn(code, message) {
    if (this.#closing === undefined) report("warning", { text: `${this.name}: ${message} [${code}]` });
  }
}

const running = sessions.map((session) => new Session(session));
let ending;

/** Ends in order, what has happened sent first. */
function end() {
  ending ??= Promise.all(running.map((session) => session.close())).then(() => process.exit(0));
  return ending;
}

// A Ctrl-C is for the parent, which closes stdin.
process.on("SIGINT", () => {});
input.on("close", () => void end());
// The parent has gone, and nobody reads on.
process.stdout.on("error", () => void end());

for (const session of running) {
  if (ending) break;
  await session.begin().catch(({ message }) => report("failed", { name: session.name, text: `${session.name}: ${message}` }));
  await sleep(NEXT_AFTER_MS);
}
