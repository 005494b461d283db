// A stand-in for the binary that does what its argument says: a JSON list of steps, each an object with one key.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const steps = JSON.parse(process.argv[2] ?? "[]");
const received = [];
let wake = () => undefined;

const write = (stream, data) => new Promise((resolve) => stream.write(data, resolve));
const say = (message) => write(process.stdout, `${JSON.stringify(message)}\n`);

async function until(count) {
  while (received.length < count) await new Promise((resolve) => (wake = resolve));
}

const ACTIONS = {
  /** Prints a message. */
  say,
  /** Prints a text delta of thread t, turn u, that many bytes long. */
  deltaOfBytes: (length) =>
    say({ method: "item/agentMessage/delta", params: { threadId: "t", turnId: "u", delta: "é".repeat(length / 2) }, emittedAtMs: 7 }),
  /** Prints text as it is. */
  text: (text) => write(process.stdout, text),
  /** Prints bytes given in base64. */
  bytes: (base64) => write(process.stdout, Buffer.from(base64, "base64")),
  stderr: (length) => write(process.stderr, "e".repeat(length)),
  stderrText: (text) => write(process.stderr, text),
  /** Answers the next initialize: by a result, or by an error. */
  initialize: async (answer) => {
    await until(1);
    await say({ id: received[0].id, ...answer });
  },
  /** Waits until that many messages came in all. */
  received: until,
  /** Prints what came so far. */
  tellReceived: () => say({ method: "test/received", params: { received } }),
  /** Prints the names of its variables that match. */
  tellEnvironment: (pattern) =>
    say({ method: "test/environment", params: { names: Object.keys(process.env).filter((name) => new RegExp(pattern).test(name)) } }),
  /** Says so at SIGTERM, and stays. */
  ignoreSigterm: () => {
    process.on("SIGTERM", () => void say({ method: "test/sigterm" }));
  },
  /** Starts a process that holds stdout open, and tells its pid. */
  grandchild: () => {
    const held = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: ["ignore", "inherit", "ignore"], detached: true });
    held.unref();
    return say({ method: "test/grandchild", params: { pid: held.pid } });
  },
  exit: (code) => process.exit(code),
  kill: (signal) => new Promise(() => process.kill(process.pid, signal)),
};

createInterface({ input: process.stdin }).on("line", (line) => {
  received.push(JSON.parse(line));
  wake();
});
// Lives until it is told to go, or the test that started it is gone.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 1_000);

for (const step of steps) {
  const [[name, argument]] = Object.entries(step);
  await ACTIONS[name](argument);
}
