// A stand-in for `codex app-server` with a history on disk: turns of text, commands that ask for approval, usage. What it says follows from ids alone (words.mjs);
// what it has said, and what it was told, it notes in its history before it says it. What a turn does is in its words: `ask`, `hold`.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createInterface } from "node:readline";
import { trueNow } from "./clock.mjs";
import { piecesOf, textOf } from "./words.mjs";

const { machine, history } = JSON.parse(process.argv[2]);
/** Pieces that are said at once, and milliseconds to the next ones. */
const BURST = 6;
const BURST_MS = 700;
const HOLD_BURSTS_MS = 4_000;
const SETTINGS = { cwd: process.cwd(), approvalPolicy: "on-request", sandbox: { type: "readOnly", networkAccess: false } };

/** Turns by thread, the oldest first. */
const turns = new Map();
const running = new Map();
const waiting = new Map();
let asked = 0;

function take({ threadId, turnId, what, ...more }) {
  const ofThread = turns.get(threadId) ?? [];
  turns.set(threadId, ofThread);
  if (what === "started") ofThread.push({ id: turnId, status: "inProgress", error: null, items: [{ id: `${turnId}-p`, type: "userMessage", clientId: more.clientId, content: [{ type: "text", text: more.text }] }] });
  else if (what === "ended") ofThread.find(({ id }) => id === turnId).status = more.status;
}
const note = (entry) => {
  appendFileSync(history, `${JSON.stringify({ at: trueNow(), pid: process.pid, ...entry })}\n`);
  take(entry);
};
if (existsSync(history)) {
  for (const line of readFileSync(history, "utf8").split("\n").filter(Boolean)) take(JSON.parse(line));
  // A codex that was killed has ended none of its turns.
  for (const ofThread of turns.values()) for (const turn of ofThread) if (turn.status === "inProgress") turn.status = "interrupted";
}

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const tell = (method, params) => say({ method, params, emittedAtMs: Date.now() });

/** Says a turn to its end, or until it is interrupted. */
async function play(threadId, turnId, text, clientId) {
  const at = { threadId, turnId };
  const now = { turnId, isOver: false };
  running.set(threadId, now);
  const end = (status) => {
    if (now.isOver) return;
    now.isOver = true;
    running.delete(threadId);
    note({ ...at, what: "ended", status });
    tell("turn/completed", { threadId, turn: { id: turnId, items: [], status, error: null } });
  };
  now.interrupt = () => {
    if (now.requestId !== undefined) {
      waiting.delete(now.requestId);
      tell("serverRequest/resolved", { threadId, requestId: now.requestId });
    }
    end("interrupted");
  };
  const message = async (itemId, slow) => {
    const whole = textOf(machine, itemId);
    tell("item/started", { ...at, item: { id: itemId, type: "agentMessage", text: "" } });
    const pieces = piecesOf(whole);
    for (let from = 0; from < pieces.length && !now.isOver; from += BURST) {
      for (const delta of pieces.slice(from, from + BURST)) tell("item/agentMessage/delta", { ...at, itemId, delta });
      await sleep(slow ? HOLD_BURSTS_MS : BURST_MS);
    }
    if (!now.isOver) tell("item/completed", { ...at, item: { id: itemId, type: "agentMessage", text: whole } });
  };
  tell("turn/started", { threadId, turn: { id: turnId, items: [], status: "inProgress", error: null } });
  tell("item/completed", { ...at, item: { id: `${turnId}-p`, type: "userMessage", clientId, content: [{ type: "text", text }] } });
  await message(`${turnId}-m1`, text.includes("hold"));
  if (text.includes("ask") && !now.isOver) {
    const command = { id: `${turnId}-c`, type: "commandExecution", command: `check ${turnId}`, status: "inProgress" };
    tell("item/started", { ...at, item: command });
    const id = asked++;
    now.requestId = id;
    const decision = await new Promise((decided) => {
      waiting.set(id, decided);
      say({ method: "item/commandExecution/requestApproval", id, params: { ...at, itemId: command.id, command: command.command, availableDecisions: ["accept", "decline", "cancel"] } });
    });
    delete now.requestId;
    if (!now.isOver) {
      note({ ...at, what: "decided", itemId: command.id, decision });
      tell("serverRequest/resolved", { threadId, requestId: id });
      const output = textOf(machine, command.id);
      if (decision === "accept") for (const delta of piecesOf(output)) tell("item/commandExecution/outputDelta", { ...at, itemId: command.id, delta });
      const ended = decision === "accept" ? { status: "completed", aggregatedOutput: output } : { status: "declined" };
      tell("item/completed", { ...at, item: { ...command, ...ended } });
    }
  }
  if (!now.isOver) await message(`${turnId}-m2`, false);
  if (now.isOver) return;
  const counts = { totalTokens: 100, inputTokens: 60, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 40, reasoningOutputTokens: 0 };
  const total = Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, value * turns.get(threadId).length]));
  tell("thread/tokenUsage/updated", { ...at, tokenUsage: { total, last: counts, modelContextWindow: 258_400 } });
  end("completed");
}

function begin(id, { threadId, input, clientUserMessageId }) {
  const [{ text }] = input;
  const now = running.get(threadId);
  const turnId = now?.turnId ?? `${threadId}-t${(turns.get(threadId)?.length ?? 0) + 1}`;
  say({ id, result: { turn: { id: turnId } } });
  if (now !== undefined) {
    note({ threadId, turnId, what: "steered", text, clientId: clientUserMessageId });
    tell("item/completed", { threadId, turnId, item: { id: `${turnId}-s${asked++}`, type: "userMessage", clientId: clientUserMessageId, content: [{ type: "text", text }] } });
    return;
  }
  note({ threadId, turnId, what: "started", text, clientId: clientUserMessageId });
  void play(threadId, turnId, text, clientUserMessageId);
}

const ANSWERS = {
  initialize: () => ({ userAgent: "stand-in" }),
  "thread/resume": ({ threadId }) => ({ thread: { id: threadId }, ...SETTINGS }),
  "thread/read": ({ threadId }) => ({ thread: { id: threadId, historyMode: "paginated", status: { type: running.has(threadId) ? "active" : "idle" }, turns: [] } }),
  "thread/turns/list": ({ threadId, cursor, limit }) => {
    const all = [...(turns.get(threadId) ?? [])].reverse();
    const from = Number(cursor ?? 0);
    return { data: all.slice(from, from + limit), nextCursor: from + limit < all.length ? String(from + limit) : null };
  },
  "turn/interrupt": () => ({}),
  "account/read": () => ({ account: { type: "apiKey" }, requiresOpenaiAuth: true }),
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params, result } = JSON.parse(line);
  if (method === undefined) {
    const decided = waiting.get(id);
    waiting.delete(id);
    decided?.(result?.decision ?? "cancel");
    return;
  }
  if (id === undefined) return;
  const refuse = (message) => say({ id, error: { code: -32600, message } });
  const now = running.get(params?.threadId);
  if (method === "turn/start") return begin(id, params);
  if (method === "turn/interrupt" && params.turnId !== now?.turnId) return refuse(now === undefined ? "no active turn" : `expected active turn id \`${params.turnId}\` but found \`${now.turnId}\``);
  const answer = ANSWERS[method];
  if (answer === undefined) return refuse(`Invalid request: unknown variant \`${method}\``);
  say({ id, result: answer(params) });
  if (method === "turn/interrupt") now.interrupt();
}).on("close", () => process.exit(0));
