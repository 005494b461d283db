/** Commands: loaded for a plan, written as it says, and as readers get them. */
import {
  planInterruptSend,
  planSend,
  type CommandFacts,
  type CommandLeaseCall,
  type CommandNeeds,
  type CommandSendCall,
  type CommandWrite,
  type NamedFacts,
  type NewCommand,
  type RequestName,
  type RuntimeFacts,
  type TurnFate,
} from "../../js-wrapper/core/commands.js";
import { planDecisionSend, planSends, type DecisionSendAnswer } from "../../js-wrapper/core/control.js";
import { given } from "../../js-wrapper/given.js";
import type { Doc } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import type { Actor, CommandRow } from "../validators.js";
import { decide } from "./core.js";
import { answeredBy, loseDecision, type Decided } from "./decisions.js";
import { writerOf } from "./load.js";
import { PAYLOAD_PART_UNITS, readParts, splitUnits, writeParts } from "./parts.js";
import { openCommands } from "./queue.js";
import { newestOfId, payloadOf, textOf, unsentDecisions, withPayload } from "./requests.js";
import { findThread, findTurn, findTurnByClient, findTurnByEither, scopeOf, type ReadCtx, type Scope, type WriteCtx } from "./scope.js";
import { findShownTurn, isShown } from "./visible.js";

/** Newest accepted commands among which the last turn is looked for: steers and interrupts of it are behind. */
const ACCEPTED_READ_MAX = 20;
/** Runtimes of a user that are remembered. SOURCE: `src/limits.rs`, RUNTIMES_MAX. */
const RUNTIMES_MAX = 100;
/** Runtimes of a user that readers are shown. */
const RUNTIMES_LISTED_MAX = 50;
/** Rows of requests that are read for the commands of one call, eight more at most: 26 KiB each. */
const REQUESTS_READ_MAX = 300;
/** Decisions that are sent when a runtime binds a thread: each is up to 64 KiB, as JSON and as the payload of its command. */
const DECISIONS_SENT_MAX = 20;
/** What a command's row weighs beside its payload. */
const ROW_BYTES = 1024;

type Command = Doc<"commands">;

/** A command as it is planned: its row, the turn that shows it, where its plan may end it, and what the core is told of both. */
export type LoadedCommand = { command: Command; shown: Doc<"turns"> | null; facts: CommandFacts };

/** The actor's command of that id, if there is one. */
export function findCommand(ctx: ReadCtx, { tenantId, userId }: Scope, commandId: string): Promise<Command | null> {
  return ctx.db
    .query("commands")
    .withIndex("by_command", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("commandId", commandId))
    .unique();
}

/** The same, unless its thread or a turn of its is being deleted. */
export async function findShownCommand(ctx: ReadCtx, scope: Scope, commandId: string): Promise<Command | null> {
  const command = await findCommand(ctx, scope, commandId);
  const thread = command && (await findThread(ctx, scope, command.threadId));
  return thread !== null && command !== null && (await isCommandShown(ctx, thread, command)) ? command : null;
}

/** Whether a thread's command is shown: not where its turn is hidden, by either id, or the one that it is about. */
export async function isCommandShown(ctx: ReadCtx, thread: Doc<"threads">, { turnId = "", clientTurnId = turnId, aboutTurnId = turnId }: Command): Promise<boolean> {
  const shown = await Promise.all([...new Set([turnId, clientTurnId, aboutTurnId])].map((id) => isShown(ctx, thread, id)));
  return !shown.includes(false);
}

/** The runtime behind the session that writes a thread; of one that named none, its device. */
export function runtimeOf(writer: Doc<"sessions"> | null): RuntimeFacts | null {
  return writer && { runtimeId: writer.runtimeId ?? "", generation: writer.generation ?? 0, deviceId: writer.deviceId };
}

/** Commands as they are planned: as far as there is room for what they name, in their order. */
export async function loadAll(ctx: ReadCtx, commands: readonly Command[], mayEnd: boolean): Promise<LoadedCommand[]> {
  const loaded: LoadedCommand[] = [];
  const named: NamedRequests = { found: new Map(), read: 0 };
  for (const command of commands) {
    if (named.read >= REQUESTS_READ_MAX) break;
    loaded.push(await loadOne(ctx, command, mayEnd, named));
  }
  return loaded;
}

/** A command as it is planned; without `mayEnd` its turn is not read, and no write of the plan says what becomes of that. */
export async function loadOne(ctx: ReadCtx, command: Command, mayEnd: boolean, named?: NamedRequests): Promise<LoadedCommand> {
  const { threadId, clientTurnId } = command;
  const shown = !mayEnd || clientTurnId === undefined ? null : await findTurnByClient(ctx, command, threadId, clientTurnId);
  return { command, shown, facts: await factsOf(ctx, command, shown, named) };
}

/** What the core is told of a command, and of the turn that shows it. */
async function factsOf(ctx: ReadCtx, command: Command, shown: Doc<"turns"> | null, named?: NamedRequests): Promise<CommandFacts> {
  const { targetTurnId, request, threadId } = command;
  const [turn, asked] = await Promise.all([
    targetTurnId === undefined ? null : findTurnByEither(ctx, command, threadId, targetTurnId),
    request === undefined ? null : findRequest(ctx, command, threadId, request, named),
  ]);
  return { ...command, shown: shown && turnFacts(shown), target: { turn: turn && turnFacts(turn), request: asked && { status: asked.status, carried: asked.commandId === command.commandId } } };
}

/** What a command that is sent names, as far as it exists and is shown, and the row of the open command that carries its turn. */
export async function loadNamed(
  ctx: ReadCtx,
  thread: Doc<"threads">,
  needs: CommandNeeds,
  kind: string,
): Promise<{ named: NamedFacts; turn: Doc<"turns"> | null; clientTurn: Doc<"turns"> | null; carrier: LoadedCommand | null; asked: Doc<"serverRequests"> | null }> {
  const { threadId } = thread;
  const { turnId, clientTurnId, request } = needs;
  const [turn, clientTurn, found] = await Promise.all([
    turnId === undefined ? null : findShownTurn(ctx, thread, turnId),
    clientTurnId === undefined ? null : findTurnByEither(ctx, thread, threadId, clientTurnId),
    request === undefined ? null : findRequest(ctx, thread, threadId, requestOf(request)),
  ]);
  const asked = found !== null && (await isShown(ctx, thread, found.turnId)) ? found : null;
  const carried = turn?.clientTurnId === undefined ? null : await findCarrier(ctx, thread, threadId, turn.clientTurnId);
  const carrier = carried && { command: carried, shown: turn, facts: await factsOf(ctx, carried, turn) };
  // Whether it asks for a secret matters to an answer alone.
  const asks = asked !== null && kind === "answer" ? { payloadJson: await payloadOf(ctx, asked) } : {};
  const named = {
    turn: turn && turnFacts(turn),
    carrier: carrier && carrier.facts,
    clientTurn: clientTurn && turnFacts(clientTurn),
    request: asked && { status: asked.status, carried: false, ...asks },
    method: asked?.method,
    same: null,
  };
  return { named, turn, clientTurn, carrier, asked };
}

/** Plans what a client sends; a decision with what becomes of its approval, whose row is `asked`. */
export async function planClientSend(ctx: ReadCtx, send: CommandSendCall, asked: Doc<"serverRequests"> | null): Promise<DecisionSendAnswer> {
  if (send.kind !== "decide") return { command: decide(() => planSend(send)) };
  const [known = null] = asked === null ? [] : await withPayload(ctx, [asked], 0);
  return decide(() => planDecisionSend(send, known));
}

/** The open command that carries the queued turn of this id. */
function findCarrier(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string, clientTurnId: string): Promise<Command | null> {
  return ctx.db
    .query("commands")
    .withIndex("by_client_turn", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("clientTurnId", clientTurnId).eq("open", true),
    )
    .first();
}

/** The place that the thread's next command gets. */
export async function nextOrder(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string): Promise<number> {
  const last = await ctx.db
    .query("commands")
    .withIndex("by_order", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId))
    .order("desc")
    .first();
  return last === null ? 0 : last.order + 1;
}

/** The turn that runs in a thread, as its rows have it. */
export function runningTurn(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string): Promise<Doc<"turns"> | null> {
  return ctx.db
    .query("turns")
    .withIndex("by_status", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("status", "inProgress"))
    .order("desc")
    .first();
}

/** Whether a turn runs in a thread by its rows; where none does, what the last beat of its runtime says. */
export async function runningBy(ctx: ReadCtx, scope: Scope, threadId: string, runtimeId: string): Promise<Pick<CommandLeaseCall, "running" | "beat">> {
  if ((await runningTurn(ctx, scope, threadId)) !== null) return { running: true, beat: null };
  const presence = await findPresence(ctx, scope, runtimeId);
  if (presence === null) return { running: false, beat: null };
  const { away, generation, threads } = presence;
  const turnId = threads.find((thread) => thread.threadId === threadId)?.turnId;
  const turnOver = turnId === undefined ? null : (await findTurn(ctx, scope, threadId, turnId))?.completedAt !== undefined;
  return { running: false, beat: { away, generation, turnOver } };
}

/** The turn that Codex took last, of those that were sent as commands. */
export async function takenTurn(ctx: ReadCtx, scope: Scope, threadId: string): Promise<{ at: number; over: boolean } | null> {
  const { tenantId, userId } = scope;
  const accepted = ctx.db
    .query("commands")
    .withIndex("by_ended", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("state", "accepted"))
    .order("desc");
  let read = 0;
  for await (const { kind, turnId, endedAt } of accepted) {
    if (kind === "turn" && turnId !== undefined && endedAt !== undefined) {
      const turn = await findTurn(ctx, scope, threadId, turnId);
      return { at: endedAt, over: turn?.completedAt !== undefined };
    }
    if (++read === ACCEPTED_READ_MAX) break;
  }
  return null;
}

/** A user's runtimes that readers are shown: those that beat last. */
export function runtimesOf(ctx: ReadCtx, { tenantId, userId }: Scope): Promise<Doc<"presence">[]> {
  return ctx.db
    .query("presence")
    .withIndex("by_beat", (q) => q.eq("tenantId", tenantId).eq("userId", userId))
    .order("desc")
    .take(RUNTIMES_LISTED_MAX);
}

/** A user's runtimes, the one that beat longest ago first. */
export function runtimesFrom(ctx: ReadCtx, { tenantId, userId }: Scope): Promise<Doc<"presence">[]> {
  return ctx.db
    .query("presence")
    .withIndex("by_beat", (q) => q.eq("tenantId", tenantId).eq("userId", userId))
    .take(RUNTIMES_MAX);
}

/** The row of a user's runtime. */
export function findPresence(ctx: ReadCtx, { tenantId, userId }: Scope, runtimeId: string): Promise<Doc<"presence"> | null> {
  return ctx.db
    .query("presence")
    .withIndex("by_runtime", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("runtimeId", runtimeId))
    .unique();
}

/** What a command asks for. */
export const payloadOfCommand = (ctx: ReadCtx, command: Command): Promise<string> => readParts(ctx, command._id, "payload");

/** A command as it was sent, before any edit. */
export async function sentOf(ctx: ReadCtx, command: Command, threadId: string): Promise<CommandSendCall["sentBefore"]> {
  const payloadJson = await readParts(ctx, command._id, command.edited ? "sent" : "payload");
  return { sameThread: command.threadId === threadId, kind: command.sentKind, payloadJson, ttlMs: command.ttlMs };
}

/** What is sent, for {@link insertCommand}. */
export type Sent = { scope: Scope; deviceId: string; thread: Doc<"threads">; commandId: string; kind: string; payloadJson: string; ttlMs: number | undefined; nowMs: number };

/** Makes a command's row, and where the core says so the queued turn that shows it; `clientTurn` is the one that is there. */
export async function insertCommand(
  ctx: WriteCtx,
  sent: Sent,
  { command, turn, adopts }: { command: NewCommand; turn?: { turnOrder: number; inputSummary: string; silentAt: number }; adopts: boolean },
  { asked, clientTurn }: { asked: Doc<"serverRequests"> | null; clientTurn: Doc<"turns"> | null },
): Promise<void> {
  const { scope, deviceId, thread, commandId, kind, payloadJson, ttlMs, nowMs } = sent;
  const { threadId } = thread;
  const { state, order, expiresAt, targetTurnId, clientTurnId, request } = command;
  // A request beside the turns names none.
  const aboutTurnId = targetTurnId ?? (asked === null || asked.turnId === "" ? undefined : asked.turnId);
  const { dueAt, endedAt, ...begun } = standing(state, command.dueAt, nowMs);
  const id = await ctx.db.insert("commands", {
    ...{ ...scope, threadId, commandId, deviceId, order, rank: 0, lapses: 0, edited: false, createdAt: nowMs },
    // The core has read it: it is one of the five.
    kind: kind as Command["kind"],
    sentKind: kind,
    ...begun,
    ...given({ dueAt, endedAt, ttlMs, expiresAt, targetTurnId, aboutTurnId, clientTurnId, request: request && requestOf(request) }),
  });
  await writeParts(ctx, id, "payload", splitUnits(payloadJson, PAYLOAD_PART_UNITS), true);
  if (clientTurnId === undefined) return;
  if (turn !== undefined) {
    const row = { ...scope, threadId, turnId: clientTurnId, clientTurnId, ...turn, createdAt: nowMs };
    await ctx.db.insert("turns", { ...row, status: "queued", hasItems: false });
    await ctx.db.patch("threads", thread._id, { nextTurnOrder: turn.turnOrder + 1, updatedAt: nowMs });
  }
  if (adopts && clientTurn !== null) await ctx.db.patch("turns", clientTurn._id, { clientTurnId });
}

/** Applies the writes of a plan to the commands that it was given. */
export async function applyCommandWrites(ctx: WriteCtx, commands: readonly LoadedCommand[], writes: readonly CommandWrite[], nowMs: number): Promise<void> {
  for (const write of writes) {
    const { command, shown } = commandAt(commands, write.row);
    await ctx.db.patch("commands", command._id, {
      ...standing(write.state, write.dueAt, nowMs),
      // In a patch, `undefined` takes a field away.
      lease: write.lease === "clear" ? undefined : command.lease,
      code: write.code,
      lapses: write.lapses,
      ...given({ turnId: write.turnId, deliveredAt: write.state === "delivered" ? nowMs : undefined }),
    });
    if (shown !== null) await applyTurnFate(ctx, shown, write.turn, nowMs);
    const answers = write.state === "accepted" && command.kind === "answer";
    if ((write.request === undefined && !answers) || command.request === undefined) continue;
    const asked = await findRequest(ctx, command, command.threadId, command.request);
    if (asked !== null && answers) await answeredBy(ctx, asked, command, nowMs);
    if (asked !== null && write.request !== undefined) await loseDecision(ctx, asked, write.request, write.code, nowMs);
  }
}

/** The fields that say where a command stands: until `dueAt`, where it is open. */
export function standing(state: Command["state"], dueAt: number | undefined, nowMs: number) {
  const open = dueAt !== undefined;
  return { state, dueAt, open, endedAt: open ? undefined : nowMs, updatedAt: nowMs };
}

/** A command that the core named among those that it was given: anything else is a bug of this software. */
export function commandAt<Known>(commands: readonly Known[], at: number): Known {
  const command = commands[at];
  if (command === undefined) throw coded("E_INTERNAL", `the core named command ${String(at)}`);
  return command;
}

export async function presentCommand(ctx: ReadCtx, command: Command): Promise<{ row: CommandRow; bytes: number }> {
  const { commandId, threadId, kind, state, order, rank, deviceId, lapses, createdAt, updatedAt } = command;
  const { code, turnId, clientTurnId, expiresAt, deliveredAt, endedAt, lease } = command;
  const payloadJson = await payloadOfCommand(ctx, command);
  const row = { commandId, threadId, kind, payloadJson, state, order, rank, deviceId, lapses, createdAt, updatedAt };
  const known = given({ code, turnId, clientTurnId, expiresAt, deliveredAt, endedAt, runtimeId: lease?.runtimeId });
  return { row: { ...row, ...known }, bytes: payloadJson.length + ROW_BYTES };
}

/**
 * Sends the command of a `turns.interrupt` where a runtime is bound to the thread, and takes a turn that waits out of the queue.
 * No number of open commands holds it up; where an interrupt of the turn is open nothing is sent, and the mark on the turn stands.
 */
export async function sendInterrupt(ctx: WriteCtx, actor: Actor, thread: Doc<"threads">, turnId: string, nowMs: number): Promise<void> {
  const [{ isBound, order }, open] = await Promise.all([loadOwn(ctx, thread), openCommands(ctx, thread)]);
  const { call, sent } = ownCall(actor, thread, "interrupt", { turnId }, order, nowMs);
  const { named, turn, carrier } = await loadNamed(ctx, thread, { turnId }, sent.kind);
  const ids = [turn?.turnId, turn?.clientTurnId];
  const same = open.findLast(({ kind, threadId, targetTurnId = "" }) => kind === sent.kind && threadId === thread.threadId && ids.includes(targetTurnId));
  const facts = same === undefined ? null : (await loadOne(ctx, same, false)).facts;
  const answer = decide(() => planInterruptSend({ ...call, named: { ...named, same: facts } }, isBound));
  const carriers = carrier === null ? [] : [carrier];
  if (answer.type === "insert") await insertCommand(ctx, sent, answer, { asked: null, clientTurn: null });
  if (answer.type === "insert" || answer.type === "written") await applyCommandWrites(ctx, carriers, answer.writes, nowMs);
}

/**
 * Sends the command of an `approvals.respond` where a runtime is bound to the thread: the decision as the app-server writes it, and
 * what it is of. No number of open commands holds it up; where an open command carries the decision nothing is sent.
 *
 * @returns why it can never be sent; null where it was, or will be
 */
export async function sendDecision(ctx: WriteCtx, actor: Actor, thread: Doc<"threads">, decided: Decided, nowMs: number): Promise<Refusal | null> {
  const [refusal = null] = await sendAll(ctx, thread, [{ actor, decided }], nowMs);
  return refusal;
}

/** Sends decisions, in one crossing; answers of each why it can never be sent. */
async function sendAll(ctx: WriteCtx, thread: Doc<"threads">, all: readonly { actor: Actor; decided: Decided }[], nowMs: number): Promise<(Refusal | null)[]> {
  if (all.length === 0) return [];
  const { isBound, order } = await loadOwn(ctx, thread);
  if (!isBound) return [];
  const calls = await Promise.all(
    all.map(async ({ actor, decided: { row, decision, shownSha256 } }, at) => {
      const { requestId, runtimeId, generation, appGeneration, commandId } = row;
      const name = { requestId, ...given({ runtimeId, generation, appGeneration }) };
      const payload = { ...name, decision: JSON.parse(decision) as unknown, ...given({ shownSha256 }) };
      const { call, sent } = ownCall(actor, thread, "decide", payload, order + at, nowMs);
      const [shown, carrier] = await Promise.all([isShown(ctx, thread, row.turnId), commandId === undefined ? null : findCommand(ctx, thread, commandId)]);
      const request = shown ? { status: row.status, carried: false } : null;
      const same = carrier && (await loadOne(ctx, carrier, false)).facts;
      return { row, sent, call: { ...call, named: { turn: null, carrier: null, clientTurn: null, request, method: row.method, same } } };
    }),
  );
  const answers = decide(() => planSends(calls.map(({ call }) => call)));
  const refusals: (Refusal | null)[] = [];
  for (const [at, { row, sent }] of calls.entries()) {
    const answer = answers[at];
    refusals.push(answer?.type === "rejected" ? answer : null);
    if (answer?.type !== "insert") continue;
    await insertCommand(ctx, sent, answer, { asked: row, clientTurn: null });
    await ctx.db.patch("serverRequests", row._id, { commandId: sent.commandId });
  }
  return refusals;
}

/** Why a command of the component's own is not sent. */
type Refusal = { code: string; message: string };

/** Notes that a command of that id carries a decision, unless one does that is open. */
export async function carryDecision(ctx: WriteCtx, { row }: Decided, commandId: string): Promise<void> {
  const carrier = row.commandId === undefined ? null : await findCommand(ctx, row, row.commandId);
  if (carrier?.open !== true) await ctx.db.patch("serverRequests", row._id, { commandId });
}

/** Sends what {@link unsentDecisions} finds, of who decided it; answers whether there are more, and these went. */
export async function sendDecisions(ctx: WriteCtx, thread: Doc<"threads">, nowMs: number): Promise<boolean> {
  const waiting = await unsentDecisions(ctx, thread, thread.threadId);
  const all: { actor: Actor; decided: Decided }[] = [];
  for (const row of waiting.slice(0, DECISIONS_SENT_MAX)) {
    const { decidedByDevice: deviceId, shownSha256, tenantId, userId } = row;
    const decision = await textOf(ctx, row, "decision");
    if (decision !== undefined && deviceId !== undefined) all.push({ actor: { tenantId, userId, deviceId }, decided: { row, decision, shownSha256 } });
  }
  const refusals = await sendAll(ctx, thread, all, nowMs);
  for (const [at, { decided }] of all.entries()) {
    const refusal = refusals[at] ?? null;
    if (refusal !== null) await loseDecision(ctx, decided.row, "pending", refusal.code, nowMs);
  }
  return waiting.length > DECISIONS_SENT_MAX && refusals.length > 0;
}

/** What commands that the component sends itself are planned from. */
async function loadOwn(ctx: ReadCtx, thread: Doc<"threads">) {
  const [writer, order] = await Promise.all([writerOf(ctx, thread, thread.threadId), nextOrder(ctx, thread, thread.threadId)]);
  return { isBound: writer?.runtimeId !== undefined, order };
}

/** A command that the component sends itself, for the core and for {@link insertCommand}: how many are open does not matter to it. */
function ownCall(actor: Actor, thread: Doc<"threads">, kind: string, payload: object, order: number, nowMs: number) {
  const said = { nowMs, thread, commandId: `${kind}:${crypto.randomUUID()}`, kind, payloadJson: JSON.stringify(payload), ttlMs: undefined };
  const call = { ...said, own: true, sentBefore: null, openCount: 0, nextOrder: order, named: null };
  return { call, sent: { ...said, scope: scopeOf(actor), deviceId: actor.deviceId } };
}

/** What becomes of the turn that shows a command. */
async function applyTurnFate(ctx: WriteCtx, turn: Doc<"turns">, fate: TurnFate, nowMs: number): Promise<void> {
  const { threadId } = turn;
  switch (fate.type) {
    case "keep":
      return;
    case "take": {
      const { turnId, silentAt } = fate;
      const again = silentAt === undefined ? {} : { status: "queued" as const, silentAt, error: undefined, completedAt: undefined, source: undefined };
      return ctx.db.patch("turns", turn._id, { ...again, turnId });
    }
    case "join": {
      const codexs = await findTurn(ctx, turn, threadId, fate.turnId);
      const { clientTurnId, inputSummary, options } = turn;
      if (codexs !== null) await ctx.db.patch("turns", codexs._id, given({ clientTurnId, inputSummary, options }));
      return ctx.db.delete("turns", turn._id);
    }
    case "steered":
      return ctx.db.delete("turns", turn._id);
    case "end": {
      const { status, source, error } = fate;
      await ctx.db.patch("turns", turn._id, { status, source, error, completedAt: nowMs, silentAt: undefined });
      const thread = await findThread(ctx, scopeOf(turn), threadId);
      if (thread !== null) await ctx.db.patch("threads", thread._id, { updatedAt: nowMs });
    }
  }
}

/** Codex knows no turn by the id that its client invented. */
function turnFacts(turn: Doc<"turns">) {
  return { status: turn.status, source: turn.source, turnId: turn.turnId === turn.clientTurnId ? undefined : turn.turnId };
}

function requestOf({ requestId, isNumber, runtimeId, generation, appGeneration }: RequestName): NonNullable<Command["request"]> {
  return { requestId: isNumber ? Number(requestId) : requestId, ...given({ runtimeId, generation, appGeneration }) };
}

/** Requests that the commands of one call name, each looked for once, and how many rows were read for them. */
export type NamedRequests = { found: Map<string, Doc<"serverRequests"> | null>; read: number };

/** The newest request of that id whose process may be the named one: what is not known tells no two apart. */
async function findRequest(
  ctx: ReadCtx,
  { tenantId, userId }: Scope,
  threadId: string,
  named: NonNullable<Command["request"]>,
  known: NamedRequests = { found: new Map(), read: 0 },
) {
  const mayBe = (row: Doc<"serverRequests">) =>
    (["runtimeId", "generation", "appGeneration"] as const).every(
      (part) => row[part] === undefined || named[part] === undefined || row[part] === named[part],
    );
  const { requestId, runtimeId = null, generation = null, appGeneration = null } = named;
  const key = JSON.stringify([tenantId, userId, threadId, requestId, runtimeId, generation, appGeneration]);
  const before = known.found.get(key);
  if (before !== undefined) return before;
  const { row, read } = await newestOfId(ctx, { tenantId, userId }, threadId, requestId, mayBe);
  known.found.set(key, row);
  known.read += read;
  return row;
}
