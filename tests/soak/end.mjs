// What has to be true when everything has arrived: what codex noted, what Convex has, and what each reader shows are the same.
import path from "node:path";
import { lookAt } from "../../dist/js-wrapper/cli/outbox-folder.js";
import { PAGE as READ, wrongText } from "./reader.mjs";

const PAGE = 50;
const ENDED = ["completed", "interrupted", "failed"];
/** What codex said in this time before its process or its host was ended may not have been read by anybody. */
const UNHEARD_MS = 10_000;

/**
 * Holds what Convex has against what each codex noted, thread by thread, and what readers show against that.
 *
 * @returns how much there was to hold against each other
 */
export async function checkEnd(world, askConvex) {
  const evidence = { turns: 0, completed: 0, interrupted: 0, failed: 0, endUnheard: 0, neverHeard: 0, messages: 0, decided: 0, cancelled: 0, accepted: 0 };
  const [turns, requests, threads] = await Promise.all(["turns", "serverRequests", "threads"].map((table) => askConvex("rows", table)));
  if (threads.length !== world.threads.length) world.violated(`there are ${threads.length} threads in the end`);
  const rowsOf = new Map();
  for (const thread of world.threads) {
    const { machine, user, threadId } = thread;
    const isIn = (row) => row.tenantId === user.tenantId && row.userId === user.userId && row.threadId === threadId;
    const noted = machine.noted().filter((entry) => entry.threadId === threadId);
    const rows = await messagesOf(world, thread);
    rowsOf.set(`${user.name} ${threadId}`, rows);
    const found = { thread, noted, rows, turns: turns.filter(isIn), requests: requests.filter(isIn), evidence };
    checkTurns(world, found);
    checkMessages(world, found);
    checkRequests(world, found);
    checkCommands(world, found);
  }
  checkReaders(world, rowsOf);
  return evidence;
}

/** Nothing waits in an outbox, and nothing was given up; for outboxes that nobody has open. */
export async function checkOutboxes(world) {
  for (const { name, folder } of world.machines) {
    const { backlog, letters } = await lookAt(path.join(folder, "outbox"));
    if (backlog.length > 0) world.violated(`in the outbox of ${name} waits ${JSON.stringify(backlog)}`);
    for (const { code, event } of letters) world.violated(`${name} gave up ${event.eventId} (${event.kind}): ${code}`);
  }
}

async function messagesOf(world, { user, threadId }) {
  const rows = [];
  for (let cursor = null, isDone = false; !isDone; ) {
    const { value } = await world.ask(user.clients[0], "query", "listThreadMessagesForHooks", { threadId, paginationOpts: { cursor, numItems: PAGE } });
    if (value === undefined) return rows;
    rows.push(...value.page);
    ({ isDone, continueCursor: cursor } = value);
  }
  return rows;
}

/** Each turn that codex began is there once, and ended as it said, but where nobody can have heard that. */
function checkTurns(world, { thread: { machine, user }, noted, turns, evidence }) {
  const started = new Map(noted.filter(({ what }) => what === "started").map((entry) => [entry.turnId, entry]));
  const ended = new Map(noted.filter(({ what }) => what === "ended").map(({ turnId, status }) => [turnId, status]));
  const mayBeUnheard = ({ at }) => machine.deaths.some((death) => death >= at && death - at < UNHEARD_MS);
  const ids = turns.map(({ turnId }) => turnId);
  if (new Set(ids).size !== ids.length) world.violated(`a thread of ${user.name} has a turn twice: ${ids.join(" ")}`);
  for (const [turnId, entry] of started) {
    if (ids.includes(turnId)) continue;
    evidence.neverHeard += 1;
    if (!mayBeUnheard(entry)) world.violated(`the turn ${turnId} of ${user.name}, which codex began, is not there`);
  }
  for (const { turnId, status } of turns) {
    evidence.turns += 1;
    if (!ENDED.includes(status)) world.violated(`the turn ${turnId} of ${user.name} is ${status} at the end`);
    if (!started.has(turnId)) {
      // A wish that no machine took in its time.
      if (!turnId.startsWith("wish-")) world.violated(`the turn ${turnId} of ${user.name} is none of codex's`);
      continue;
    }
    evidence[status] += 1;
    const said = ended.get(turnId);
    if (said === status) continue;
    evidence.endUnheard += 1;
    const last = noted.findLast((entry) => entry.turnId === turnId);
    if (status !== "interrupted" || (said !== undefined && !mayBeUnheard(last))) world.violated(`the turn ${turnId} of ${user.name} is ${status}, codex said ${said}`);
  }
}

/** Each message is there once, in the order in which codex began them, with its text: whole where its turn was completed, else a beginning. */
function checkMessages(world, { thread: { machine, user }, noted, rows, turns, evidence }) {
  evidence.messages += rows.length;
  for (const message of rows) {
    const wrong = message.status === "streaming" ? "is still being written" : wrongText(machine.name, message);
    if (wrong !== undefined) world.violated(`${message.messageId} of ${user.name} ${wrong}`);
  }
  const places = new Map();
  for (const { turnId, text } of noted.filter(({ what }) => what === "started")) {
    places.set(turnId, places.size);
    const turn = turns.find((one) => one.turnId === turnId);
    if (turn === undefined) continue;
    const messages = rows.filter((row) => row.turnId === turnId).reverse();
    const wanted = [`${turnId}-p`, `${turnId}-m1`, ...(text.includes("ask") ? [`${turnId}-c`] : []), `${turnId}-m2`];
    // A steer is wherever it came.
    const own = messages.map(({ messageId }) => messageId).filter((id) => !id.startsWith(`${turnId}-s`));
    const isWhole = turn.status !== "completed" || own.length === wanted.length;
    if (!isWhole || own.some((id, at) => id !== wanted[at])) world.violated(`the turn ${turnId} of ${user.name} (${turn.status}) has the items ${own.join(" ")}`);
    if (turn.status === "completed" && messages.some(({ sourceItemType, status }) => sourceItemType === "agentMessage" && status !== "completed")) world.violated(`the turn ${turnId} of ${user.name} is completed, and a message of it is not`);
  }
  const order = rows.map(({ turnId }) => places.get(turnId)).filter((place) => place !== undefined).reverse();
  if (order.some((place, at) => at > 0 && place < order[at - 1])) world.count("threads whose turns are not in codex's order");
}

/** What codex was told is what was decided, and what two people saw still stands. */
function checkRequests(world, { thread: { user, threadId }, noted, requests, evidence }) {
  for (const { itemId, status } of requests) if (status === "pending" || status === "answering") world.violated(`the request of ${itemId} of ${user.name} is ${status} at the end`);
  const requestOf = (itemId) => requests.find((one) => one.itemId === itemId);
  for (const { itemId, decision } of noted.filter(({ what }) => what === "decided")) {
    evidence.decided += 1;
    const { decisionJson: stands, status } = requestOf(itemId) ?? {};
    // What a turn asks that is stopped, its machine answers so, whatever somebody decides meanwhile: the request has expired.
    if (decision === "cancel" && status === "expired") evidence.cancelled += 1;
    else if (stands !== JSON.stringify(decision)) world.violated(`codex was told ${decision} of ${itemId} of ${user.name}, and ${stands} stands, ${status}`);
  }
  for (const { itemId, seen } of user.pairs.filter((pair) => pair.threadId === threadId && pair.seen !== undefined)) {
    const request = requestOf(itemId);
    if (request?.overruled === undefined && request?.decisionJson !== seen) world.violated(`of ${itemId} of ${user.name} stood ${seen}, and ${request?.decisionJson} does`);
  }
}

/** What is accepted was given to codex once; what is refused or expired never was; nothing twice. */
function checkCommands(world, { thread: { user, threadId }, noted, evidence }) {
  const given = noted.filter(({ what }) => what === "started" || what === "steered").map(({ text }) => text.split(" ")[0]);
  for (const { commandId, key, kind, state, code } of user.commands.filter((command) => command.threadId === threadId)) {
    world.count(`${kind} from afar: ${[state, code].filter(Boolean).join(" ")}`);
    if (kind !== "turn") continue;
    const times = given.filter((one) => one === key).length;
    const isRight = state === "unknown" ? times <= 1 : times === (state === "accepted" ? 1 : 0);
    if (!isRight) world.violated(`the command ${commandId} of ${user.name} is ${state}, and codex was given it ${times} times`);
    if (state === "accepted") evidence.accepted += 1;
  }
}

/** Everybody shows in the end what Convex has. */
function checkReaders(world, rowsOf) {
  const partsOf = ({ messageId, status, text }) => JSON.stringify([messageId, status, text]);
  for (const { name, user, threadId, shown } of world.readers) {
    const rows = rowsOf.get(`${user.name} ${threadId}`);
    const durable = rows.slice(0, shown.length).reverse();
    const at = shown.findIndex((message, place) => durable[place] === undefined || partsOf(message) !== partsOf(durable[place]));
    if (at >= 0) world.violated(`${name} shows in the end ${partsOf(shown[at])}, Convex has ${durable[at] && partsOf(durable[at])}`);
    if (shown.length < Math.min(READ, rows.length)) world.violated(`${name} shows in the end ${shown.length} of ${rows.length} messages`);
  }
}
