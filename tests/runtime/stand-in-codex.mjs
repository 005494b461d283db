// A stand-in for `codex app-server`, in its own process: it answers what a runtime asks, in the order and the words of 0.169.0 as far as
// the runtime reads them. `argv[2]` is JSON that says what it does otherwise:
//   dieOnce: "path"  dies in the middle of a turn, without a word, unless there is such a file, which it makes
//   askIn: "u1"      asks in that turn whether a command may run, and goes on when that is answered
//   refuse: "method" answers requests of that method with an error
import { existsSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const { dieOnce, askIn, refuse } = JSON.parse(process.argv[2] ?? "{}");
const THREAD = "019a3b5c-0000-7000-8000-000000000001";

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const tell = (method, params) => say({ method, params, emittedAtMs: Date.now() });
const turnIds = new Set();
let waiting;

function turn(threadId, text) {
  const turnId = `u${turnIds.size + 1}-${process.pid}`;
  turnIds.add(turnId);
  const name = `u${turnIds.size}`;
  const at = { threadId, turnId };
  const item = { id: `m-${turnId}`, type: "agentMessage" };
  tell("turn/started", { threadId, turn: { id: turnId, items: [], status: "inProgress", error: null } });
  tell("item/completed", { ...at, item: { id: `p-${turnId}`, type: "userMessage", content: [{ type: "text", text }] } });
  tell("item/started", { ...at, item: { ...item, text: "" } });
  tell("item/agentMessage/delta", { ...at, itemId: item.id, delta: "you said: " });
  const end = () => {
    tell("item/agentMessage/delta", { ...at, itemId: item.id, delta: text });
    tell("item/completed", { ...at, item: { ...item, text: `you said: ${text}` } });
    tell("turn/completed", { threadId, turn: { id: turnId, items: [], status: "completed", error: null } });
  };
  if (dieOnce !== undefined && !existsSync(dieOnce)) {
    writeFileSync(dieOnce, "");
    process.stdout.write("", () => process.kill(process.pid, "SIGKILL"));
  } else if (askIn === name) {
    const command = { id: `c-${turnId}`, type: "commandExecution", command: "ls", status: "inProgress" };
    tell("item/started", { ...at, item: command });
    waiting = (decision) => {
      tell("serverRequest/resolved", { threadId, requestId: 0 });
      tell("item/completed", { ...at, item: { ...command, status: decision === "accept" ? "completed" : "declined", aggregatedOutput: String(decision) } });
      end();
    };
    say({ method: "item/commandExecution/requestApproval", id: 0, params: { ...at, itemId: command.id, command: "ls", availableDecisions: ["accept", "decline", "cancel"] } });
  } else end();
  return turnId;
}

const ANSWERS = {
  initialize: () => ({ userAgent: "stand-in" }),
  "thread/start": () => ({ thread: { id: THREAD } }),
  "thread/resume": ({ threadId }) => ({ thread: { id: threadId } }),
  "thread/fork": () => ({ thread: { id: THREAD.replace(/1$/, "2") } }),
  "turn/interrupt": () => ({}),
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params, result } = JSON.parse(line);
  if (method === undefined) {
    tell("test/answered", { id, result });
    return waiting?.(result?.decision);
  }
  if (id === undefined) return;
  if (method === refuse) return say({ id, error: { code: -32600, message: "refused" } });
  if (method === "turn/start") return say({ id, result: { turn: { id: turn(params.threadId, params.input[0].text) } } });
  const answer = ANSWERS[method];
  if (answer === undefined) return say({ id, error: { code: -32600, message: `Invalid request: unknown variant \`${method}\`` } });
  say({ id, result: answer(params) });
  if (method === "thread/start") tell("thread/started", { thread: { id: THREAD } });
}).on("close", () => process.exit(0));
