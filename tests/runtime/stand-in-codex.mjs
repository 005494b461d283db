// A stand-in for `codex app-server`, in its own process: it answers what a runtime asks, in the order and the words of 0.169.0 as far as
// the runtime reads them. `argv[2]` is JSON that says what it does otherwise:
//   dieOnce: "path"  dies in the middle of a turn, without a word, unless there is such a file, which it makes
//   deadOnce: "path" dies when a turn is asked for, before it says anything, likewise
//   tookOnce: "path" answers that it has taken a turn, and dies before it says anything of that, likewise
//   askIn: "u1"      asks in that turn whether a command may run, and goes on when that is answered; in each of several: ["u1", "u2"]
//   asksFreely: true asks by an elicitation instead, which names no turn
//   silentAt: "path" does not answer when a thread is read, and makes such a file
//   refuse: "method" answers requests of that method with an error
//   holdIn: "u1"     goes on with that turn until it is steered or interrupted
//   largeIn: "u1"    asks in that turn about a command of 4 MiB, which prints 4 MiB
//   version: "0.1"   is of that version
//   deaf: true       answers interrupts, and goes on
//   threads: 3       knows its threads of before, that many, each with `turns: 2` turns of two items
//   longAbove: 1     lists more turns than that at once in a line of over 64 MiB
//   oldKey: "key"    says that in the last of these turns, with which it failed
//   oldAgent: 0      of these the one that is the next one's agent
//   reverts: true    knows the turns that it did, and takes its threads back
//   loggedOut: true  is not logged in
//   agentIn: "u1"    begins an agent in that turn, whose first turn, in a thread of its own, is the next one
//                    (as the recordings sub-agent-v1 and -v2 have it: an item of its parent says whose it is, no start of its thread is told)
//   agentTold: "late" says whose agent that is behind its first turn; "start": by its thread's start; "never": nothing but its turns
//   writes: true     may write the folder that it works in, and temporary files
//   refreshIn: "u1"  asks for new tokens in that turn, and does not wait for them
//   muteIn: "u1"     begins that turn and says nothing of it until it is asked for another one
//   livesIn: "path"  has the threads that it resumes in that folder
//   busy: "path"     does not have the thread whose id is in such a file: another process of codex writes it
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const { dieOnce, deadOnce, tookOnce, askIn, asksFreely, version, silentAt, refuse, holdIn, largeIn, deaf, agentIn, agentTold, refreshIn, muteIn, writes, livesIn, busy, reverts, threads, longAbove = Infinity, oldKey, oldAgent, turns = 2, loggedOut } = JSON.parse(process.argv[2] ?? "{}");
const THREAD = "019a3b5c-0000-7000-8000-000000000001";
const AGENT = THREAD.replace(/1$/, "9");
const SETTINGS = { cwd: process.cwd(), approvalPolicy: "on-request", sandbox: writes ? { type: "workspaceWrite", writableRoots: [], networkAccess: false, excludeTmpdirEnvVar: false, excludeSlashTmp: false } : { type: "readOnly", networkAccess: false } };

/** What is not said yet, in a turn that is mute. */
let unsaid;
const say = (message) => {
  if (unsaid === undefined) process.stdout.write(`${JSON.stringify(message)}\n`);
  else unsaid.push(message);
};
const tell = (method, params) => say({ method, params, emittedAtMs: Date.now() });
const turnIds = new Set();
/** The turns of each thread, the newest first. */
const done = new Map();
let waiting;
/** The turns that run, by their threads: what each is told, and how it ends. */
const running = new Map();

function turn(threadId, text, clientId) {
  const turnId = `u${turnIds.size + 1}-${process.pid}`;
  turnIds.add(turnId);
  done.set(threadId, [turnId, ...(done.get(threadId) ?? [])]);
  const name = `u${turnIds.size}`;
  const at = { threadId, turnId };
  const item = { id: `m-${turnId}`, type: "agentMessage" };
  tell("turn/started", { threadId, turn: { id: turnId, items: [], status: "inProgress", error: null } });
  tell("item/completed", { ...at, item: { id: `p-${turnId}`, type: "userMessage", clientId, content: [{ type: "text", text }] } });
  tell("item/started", { ...at, item: { ...item, text: "" } });
  tell("item/agentMessage/delta", { ...at, itemId: item.id, delta: "you said: " });
  const over = (status) => {
    running.delete(threadId);
    tell("turn/completed", { threadId, turn: { id: turnId, items: [], status, error: null } });
  };
  const end = () => {
    tell("item/agentMessage/delta", { ...at, itemId: item.id, delta: text });
    tell("item/completed", { ...at, item: { ...item, text: `you said: ${text}` } });
    over("completed");
  };
  if (refreshIn === name) say({ method: "account/chatgptAuthTokens/refresh", id: 7, params: { reason: "unauthorized" } });
  if (agentIn === name) {
    const spawn = { id: `a-${turnId}`, type: "collabAgentToolCall", tool: "spawnAgent", status: "inProgress", senderThreadId: threadId, receiverThreadIds: [], prompt: "Look.", agentsStates: {} };
    const spawned = () => tell("item/completed", { ...at, item: { ...spawn, status: "completed", receiverThreadIds: [AGENT] } });
    if (agentTold === "start") tell("thread/started", { thread: { id: AGENT, parentThreadId: threadId } });
    else if (agentTold !== "never") {
      tell("item/started", { ...at, item: spawn });
      tell("thread/status/changed", { threadId: AGENT, status: { type: "idle" } });
      if (agentTold !== "late") spawned();
      tell("thread/status/changed", { threadId: AGENT, status: { type: "active", activeFlags: [] } });
    }
    turn(AGENT, "Look.");
    if (agentTold === "late") spawned();
  }
  if (dieOnce !== undefined && !existsSync(dieOnce)) {
    writeFileSync(dieOnce, "");
    process.stdout.write("", () => process.kill(process.pid, "SIGKILL"));
  } else if ([askIn].flat().includes(name) || largeIn === name) {
    const printed = largeIn === name ? "x".repeat(4 * 1024 * 1024) : undefined;
    const command = { id: `c-${turnId}`, type: "commandExecution", command: "ls", status: "inProgress" };
    tell("item/started", { ...at, item: command });
    waiting = (decision) => {
      tell("serverRequest/resolved", { threadId, requestId: 0 });
      tell("item/completed", { ...at, item: { ...command, status: decision === "accept" ? "completed" : "declined", aggregatedOutput: printed ?? String(decision) } });
      end();
    };
    if (asksFreely) say({ method: "mcpServer/elicitation/request", id: 0, params: { threadId, turnId: null, serverName: "shop", mode: "form", message: "Which?", requestedSchema: { type: "object", properties: {} } } });
    else say({ method: "item/commandExecution/requestApproval", id: 0, params: { ...at, itemId: command.id, command: printed ?? "ls", availableDecisions: ["accept", "decline", "cancel"] } });
  } else if (holdIn === name) {
    const steer = (more, echo) => {
      tell("item/completed", { ...at, item: { id: `s-${turnId}`, type: "userMessage", clientId: echo, content: [{ type: "text", text: more }] } });
      end();
    };
    running.set(threadId, { turnId, steer, interrupt: () => over("interrupted") });
  } else end();
  return turnId;
}

/** What it has of before: the newest thread first, the oldest turn. */
const OLD = Array.from({ length: threads ?? 0 }, (_, at) => ({
  id: `019a3b5c-0000-7000-8000-0000000001${String(at).padStart(2, "0")}`,
  ...{ parentThreadId: at === oldAgent ? `019a3b5c-0000-7000-8000-0000000001${String(at + 1).padStart(2, "0")}` : null },
  ...{ name: null, preview: `question ${at}`, cwd: "/projects/shop", historyMode: "paginated", createdAt: 1_795_000_000 - at, updatedAt: 1_795_000_000 - at },
}));
const oldThread = (threadId) => OLD.find(({ id }) => id === threadId) ?? { id: threadId, historyMode: "paginated" };
const oldTurns = (threadId) =>
  Array.from({ length: turns }, (_, at) => {
    const id = `${threadId.slice(-3)}-${at}`;
    const items = [{ id: `p-${id}`, type: "userMessage", content: [{ type: "text", text: `old ${at}` }] }, { id: `m-${id}`, type: "agentMessage", text: `answer ${at}` }];
    if (oldKey !== undefined && at === turns - 1) {
      items[1].text = `The key is ${oldKey}.`;
      return { id, status: "failed", error: { message: `no such key: ${oldKey}` }, startedAt: 1_795_000_000, completedAt: 1_795_000_001, items };
    }
    return { id, status: "completed", error: null, startedAt: 1_795_000_000, completedAt: 1_795_000_001, items };
  });
/** A page of a list, as its request asks for it; its cursor is where the next one begins. */
const pageOf = (all, { cursor, limit }) => {
  const from = Number(cursor ?? 0);
  const to = from + limit;
  return { data: all.slice(from, to), nextCursor: to < all.length ? String(to) : null };
};

const READS = {
  "thread/list": (params) => pageOf(OLD, params),
  "thread/read": ({ threadId, includeTurns }) => ({ thread: { ...oldThread(threadId), turns: includeTurns ? oldTurns(threadId) : [] } }),
  "thread/turns/list": ({ threadId, ...params }) => {
    const page = pageOf(oldTurns(threadId), params);
    return page.data.length > longAbove ? { ...page, long: "x".repeat(64 * 1024 * 1024) } : page;
  },
};

const REVERTS = {
  "thread/turns/list": ({ threadId, ...params }) => pageOf((done.get(threadId) ?? []).map((id) => ({ id })), params),
  "thread/revert": ({ threadId, beforeTurnId }) => {
    const turns = done.get(threadId);
    done.set(threadId, turns.slice(turns.indexOf(beforeTurnId) + 1));
    return { thread: { id: threadId } };
  },
};

const ANSWERS = {
  initialize: () => ({ userAgent: version === undefined ? "stand-in" : `app/${version} (Debian)` }),
  "thread/start": () => ({ thread: { id: THREAD }, ...SETTINGS }),
  "thread/resume": ({ threadId }) => ({ thread: { id: threadId, parentThreadId: threadId === AGENT ? THREAD : null }, ...SETTINGS, ...(livesIn === undefined ? {} : { cwd: livesIn }) }),
  "thread/fork": () => ({ thread: { id: THREAD.replace(/1$/, "2") }, ...SETTINGS }),
  "turn/steer": ({ threadId }) => ({ turnId: running.get(threadId).turnId }),
  "turn/interrupt": () => ({}),
  "account/read": () => ({ account: loggedOut ? null : { type: "apiKey" }, requiresOpenaiAuth: true }),
  ...(threads === undefined ? {} : READS),
  ...(reverts === undefined ? {} : REVERTS),
};

/** A turn is asked for: while one runs, it is a steer, and the answer names the one that runs. */
function begin(id, { threadId, input, clientUserMessageId }, now) {
  const [{ text }] = input;
  const said = unsaid ?? [];
  unsaid = undefined;
  said.forEach(say);
  if (now === undefined) {
    if (muteIn === `u${turnIds.size + 1}`) unsaid = [];
    return say({ id, result: { turn: { id: turn(threadId, text, clientUserMessageId) } } });
  }
  say({ id, result: { turn: { id: now.turnId } } });
  now.steer(text, clientUserMessageId);
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params, result, error } = JSON.parse(line);
  if (method === undefined) {
    tell("test/answered", { id, result, error });
    return waiting?.(result?.decision);
  }
  if (id === undefined) return;
  if (method === "thread/read" && silentAt !== undefined) return writeFileSync(silentAt, "");
  if (method === refuse) return say({ id, error: { code: -32600, message: "refused" } });
  if (method === "turn/start" && deadOnce !== undefined && !existsSync(deadOnce)) {
    writeFileSync(deadOnce, "");
    process.kill(process.pid, "SIGKILL");
  }
  if (method === "turn/start" && tookOnce !== undefined && !existsSync(tookOnce)) {
    writeFileSync(tookOnce, "");
    return process.stdout.write(`${JSON.stringify({ id, result: { turn: { id: "taken" } } })}\n`, () => process.kill(process.pid, "SIGKILL"));
  }
  const now = running.get(params?.threadId);
  if (method === "turn/start") return begin(id, params, now);
  if (method === "thread/resume" && busy !== undefined && existsSync(busy) && readFileSync(busy, "utf8") === params.threadId) return say({ id, error: { code: -32600, message: `thread ${params.threadId} already has an active writer` } });
  const named = method === "turn/steer" ? params.expectedTurnId : method === "turn/interrupt" ? params.turnId : undefined;
  if (named !== undefined && named !== now?.turnId) {
    return say({ id, error: { code: -32600, message: now === undefined ? "no active turn" : `expected active turn id \`${named}\` but found \`${now.turnId}\`` } });
  }
  const answer = ANSWERS[method];
  if (answer === undefined) return say({ id, error: { code: -32600, message: `Invalid request: unknown variant \`${method}\`` } });
  say({ id, result: answer(params) });
  if (method === "turn/steer") now.steer(params.input[0].text, params.clientUserMessageId);
  if (method === "turn/interrupt" && !deaf) now.interrupt();
  if (method === "thread/revert") tell("thread/reverted", { threadId: params.threadId });
  if (method === "thread/start") tell("thread/started", { thread: { id: THREAD } });
}).on("close", () => process.exit(0));
