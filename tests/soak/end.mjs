// What has to be true when everything has arrived: what codex noted, what Convex has, and what each reader shows are the same.
import { ClassicLevel } from "classic-level";
import { wrongText } from "./reader.mjs";

const PAGE = 50;
/** What codex said in this time before its process or its host was killed may not have been read by anybody. */
const UNHEARD_MS = 10_000;

export async function checkEnd({ users, machines, threads, readers, askConvex, ask, violated, count }) {
  const evidence = { turns: 0, completed: 0, interrupted: 0, unheard: 0, messages: 0, decided: 0, accepted: 0, neverHeard: 0 };
  const turnRows = await askConvex("rows", "turns");
  const requestRows = await askConvex("rows", "serverRequests");
  const threadRows = await askConvex("rows", "threads");
  if (threadRows.length !== threads.length) violated(`there are ${threadRows.length} threads`);
  const shownIn = new Map();
  for (const { machine, user, threadId } of threads) {
    const where = `${threadId} of ${user.name}`;
    const isMine = (row) => row.tenantId === user.tenantId && row.userId === user.userId && row.threadId === threadId;
    const noted = machine.noted().filter((entry) => entry.threadId === threadId);
    const started = noted.filter(({ what }) => what === "started");
    const endOf = new Map(noted.filter(({ what }) => what === "ended").map(({ turnId, status }) => [turnId, status]));
    const wasKilledSoonAfter = (at) => machine.deaths.some((death) => death >= at && death - at < UNHEARD_MS);
    const turns = turnRows.filter(isMine).sort((one, other) => one.turnOrder - other.turnOrder);
    evidence.turns += turns.length;
    // Turns that codex began, in its order; those that it never heard of are wishes that were never taken.
    const ids = turns.map(({ turnId }) => turnId);
    if (new Set(ids).size !== ids.length) violated(`${where} has a turn twice`);
    const known = started.filter(({ turnId }) => ids.includes(turnId));
    const inOrder = ids.filter((id) => started.some(({ turnId }) => turnId === id));
    const rank = new Map(started.map(({ turnId }, at) => [turnId, at]));
    for (let at = 1; at < inOrder.length; at++) if (rank.get(inOrder[at]) < rank.get(inOrder[at - 1])) count("turns whose places are not codex's order");
    for (const { turnId, at } of started) {
      if (ids.includes(turnId)) continue;
      evidence.neverHeard += 1;
      if (!wasKilledSoonAfter(at)) violated(`the turn ${turnId} of ${user.name}, which codex began, is not there`);
    }
    for (const turn of turns) {
      if (!["completed", "interrupted", "failed"].includes(turn.status)) violated(`the turn ${turn.turnId} of ${user.name} is ${turn.status} at the end`);
      if (!rank.has(turn.turnId)) {
        if (!turn.turnId.startsWith("wish-")) violated(`the turn ${turn.turnId} of ${user.name} is none of codex's`);
        continue;
      }
      evidence[turn.status] += 1;
      const said = endOf.get(turn.turnId);
      if (said !== turn.status) {
        // Its end was said and not heard, or its process was killed before it said one.
        evidence.unheard += 1;
        const { at } = noted.findLast(({ turnId }) => turnId === turn.turnId);
        if (turn.status !== "interrupted" || (said !== undefined && !wasKilledSoonAfter(at))) violated(`the turn ${turn.turnId} of ${user.name} is ${turn.status}, codex said ${said}`);
      }
    }

    const rows = [];
    for (let cursor = null, isDone = false; !isDone; ) {
      const { value } = await ask(user.clients[0], "query", "listThreadMessagesForHooks", { threadId, paginationOpts: { cursor, numItems: PAGE } });
      if (value === undefined) break;
      rows.push(...value.page);
      ({ isDone, continueCursor: cursor } = value);
    }
    shownIn.set(`${user.name} ${threadId}`, rows);
    evidence.messages += rows.length;
    const byTurn = Map.groupBy === undefined ? groupBy(rows) : Map.groupBy(rows, ({ turnId }) => turnId);
    for (const message of rows) {
      if (message.status === "streaming") violated(`${message.messageId} of ${user.name} is still being written`);
      const wrong = wrongText(machine.name, message);
      if (wrong !== undefined) violated(`${message.messageId} of ${user.name} ${wrong}`);
    }
    for (const { turnId, text } of known) {
      const messages = [...(byTurn.get(turnId) ?? [])].reverse();
      const items = messages.map(({ messageId }) => messageId);
      if (new Set(items).size !== items.length) violated(`the turn ${turnId} of ${user.name} has an item twice: ${items.join(" ")}`);
      const { status } = turns.find((turn) => turn.turnId === turnId);
      const wanted = [`${turnId}-p`, `${turnId}-m1`, ...(text.includes("ask") ? [`${turnId}-c`] : []), `${turnId}-m2`];
      const own = items.filter((item) => wanted.includes(item));
      const isInOrder = own.every((item, at) => item === wanted[at]);
      if (!isInOrder || (status === "completed" && own.length !== wanted.length)) violated(`the turn ${turnId} of ${user.name} (${status}) has the items ${items.join(" ")}`);
      if (status === "completed" && messages.some((message) => message.sourceItemType === "agentMessage" && message.status !== "completed")) violated(`the turn ${turnId} of ${user.name} is completed, and a message of it is not`);
    }

    // What codex was told is what was decided, and once.
    const requests = requestRows.filter(isMine);
    for (const request of requests) if (request.status === "pending" || request.status === "answering") violated(`the request of ${request.itemId} of ${user.name} is ${request.status} at the end`);
    for (const { itemId, decision } of noted.filter(({ what }) => what === "decided")) {
      evidence.decided += 1;
      const request = requests.find((one) => one.itemId === itemId);
      if (request?.decisionJson === undefined) violated(`codex was told ${decision} of ${itemId} of ${user.name}, and nobody decided it: ${JSON.stringify(request)}`);
      else if (JSON.parse(request.decisionJson) !== decision) violated(`codex was told ${decision} of ${itemId} of ${user.name}, and ${request.decisionJson} stands`);
    }
    for (const pair of user.pairs.filter((one) => one.threadId === threadId)) {
      const request = requests.find((one) => one.itemId === pair.itemId);
      if (pair.seen !== undefined && request?.overruled === undefined && request?.decisionJson !== pair.seen.decisionJson) violated(`of ${pair.itemId} of ${user.name} ${pair.seen.decisionJson} stood, and ${request?.decisionJson} does`);
    }

    // A command is done once, where it is accepted; and not at all, where it is refused.
    const takenBy = new Map();
    for (const { what, text } of noted) if (what === "started" || what === "steered") takenBy.set(text.split(" ")[0], (takenBy.get(text.split(" ")[0]) ?? 0) + 1);
    for (const command of user.commands.filter((one) => one.threadId === threadId && one.kind === "turn")) {
      const times = takenBy.get(command.key) ?? 0;
      count(`turns from afar: ${command.state}${command.code === undefined ? "" : ` ${command.code}`}`);
      if (times > 1) violated(`codex was given the command ${command.commandId} of ${user.name} ${times} times`);
      if (command.state === "accepted" && times !== 1) violated(`the command ${command.commandId} of ${user.name} is accepted, and codex was given it ${times} times`);
      if (["refused", "expired", "cancelled"].includes(command.state) && times > 0) violated(`the command ${command.commandId} of ${user.name} is ${command.state}, and codex was given it`);
      if (command.state === "accepted") evidence.accepted += 1;
    }
    void where;
  }

  for (const [at, reader] of readers.entries()) {
    const rows = shownIn.get(`${reader.user.name} ${reader.threadId}`) ?? [];
    const shown = reader.shown.map(({ messageId, status, text }) => [messageId, status, text]);
    const durable = rows.slice(0, shown.length).reverse().map(({ messageId, status, text }) => [messageId, status, text]);
    if (JSON.stringify(shown) !== JSON.stringify(durable)) {
      const where = shown.findIndex((one, place) => JSON.stringify(one) !== JSON.stringify(durable[place]));
      violated(`reader ${at} of ${reader.user.name} shows in the end ${JSON.stringify(shown[where])}, Convex has ${JSON.stringify(durable[where])}`);
    }
    if (reader.shown.length < Math.min(20, rows.length)) violated(`reader ${at} of ${reader.user.name} shows ${reader.shown.length} of ${rows.length} messages`);
  }
  void users;
  void machines;
  return evidence;
}

function groupBy(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.turnId, [...(groups.get(row.turnId) ?? []), row]);
  return groups;
}

/** Dead letters in an outbox that nobody has open. */
export async function deadLettersOf(folder) {
  const db = new ClassicLevel(folder, { createIfMissing: false });
  const keys = [];
  for await (const key of db.keys()) keys.push(key);
  await db.close();
  return keys;
}



