/**
 * A batch of a fork: turns from the newest on, each with what it keeps and its messages in order. What the copy has already is
 * left alone. The rows are loaded, the core says what they are in the copy, and then they are written.
 */
import type { FoldFacts } from "../../js-wrapper/core/boundary.js";
import { planCopies, type CopyAnswer, type TailCopy } from "../../js-wrapper/core/threads.js";
import { given } from "../../js-wrapper/given.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import { decide } from "./core.js";
import { loadFold } from "./folds.js";
import { findHead } from "./load.js";
import { PARTS_MAX, partsOf, utf8Bytes, writeParts } from "./parts.js";
import { findTurn, type ReadCtx, type WriteCtx } from "./scope.js";
import { isDeletedTurn, isHidden, shownPlaces } from "./visible.js";

type Thread = Doc<"threads">;
type Job = Doc<"forks">;
type Message = Doc<"messages">;
type Part = { kind: string; part: number; text: string };

/** What a batch may yet copy. */
export type Budget = { rows: number; units: number };

/** Where the copying goes on. */
export type Place = { before: number; turn: Job["turn"] | undefined; message: Job["message"] | undefined };

/** Turns that one batch looks at: each takes half a dozen index ranges. */
const TURNS_MAX = 100;
/** UTF-16 units that a batch has room for where the next message begins in it: a list shows payloads of this size whole. */
const MESSAGE_UNITS_MIN = 256 * 1024;
/** Rows that it has room for then: one for the message, and its parts. */
const MESSAGE_ROWS_MIN = 6;
/** What a row costs beside its parts, in UTF-16 units. */
const ROW_UNITS = 1024;
/** Parts that a text or payload may have lost while it was copied. */
const SURPLUS_MAX = 64;

const KINDS = ["payload", "text"] as const;

type LoadedMessage = {
  doc: Message;
  /** Its copy, where an earlier batch began it. */
  copy: Id<"messages"> | undefined;
  parts: Part[];
  /** UTF-8 bytes of the text's parts so far. */
  textBytes: number;
  /** Where it goes on; none where this is all. */
  next: { kind: string; part: number; tail?: { cursor: number; end: number } } | undefined;
};

type LoadedTurn = {
  doc: Doc<"turns">;
  copy: Doc<"turns"> | null;
  kept: { kind: string; texts: string[] }[];
  messages: LoadedMessage[];
  /** Where it goes on; none where this is all. */
  next: { kept: string; orderInTurn: number } | undefined;
};

type Loaded = { turns: LoadedTurn[]; tails: { fold: FoldFacts; whole: boolean }[]; before: number; more: boolean };

/** Copies a batch; answers how much, where it goes on, and whether it does. */
export async function copyBatch(ctx: WriteCtx, job: Job, source: Thread, copy: Thread, budget: Budget) {
  const loaded = await loadBatch(ctx, job, source, copy, budget);
  const { turns, tails } = loaded;
  const docs = turns.flatMap(({ messages }) => messages.map(({ doc }) => doc));
  const answer = decide(() => planCopies({ turns: turns.map(({ doc }) => doc), messages: docs, tails }));
  const done = { turns: 0, messages: 0 };
  let place: Place = { before: loaded.before, turn: undefined, message: undefined };
  let at = 0;
  for (const [index, turn] of turns.entries()) {
    const as = answer.turns[index];
    if (as?.copied !== true) {
      at += turn.messages.length;
      continue;
    }
    const turnOrder = turn.copy?.turnOrder ?? turn.doc.turnOrder;
    const hasPlan = turn.kept.some(({ kind }) => kind === "plan") || undefined;
    const row = turn.copy?._id ?? (await insertTurn(ctx, copy, turn.doc, as, hasPlan));
    if (turn.copy !== null && hasPlan) await ctx.db.patch("turns", row, { hasPlan });
    if (turn.copy === null) done.turns += 1;
    for (const { kind, texts } of turn.kept) await writeParts(ctx, row, kind, texts, true);
    place = { ...place, turn: turn.next && { row: turn.doc._id, ...turn.next } };
    for (const message of turn.messages) {
      const tail = answer.tails.find((found) => found.message === at);
      const id = await writeMessage(ctx, copy, turnOrder, message, answer, at, tail);
      if (message.next === undefined) done.messages += 1;
      else place = { ...place, message: placeOf(message, message.next, id, tail) };
      at += 1;
    }
  }
  return { ...done, place, more: loaded.more };
}

async function loadBatch(ctx: ReadCtx, job: Job, source: Thread, copy: Thread, budget: Budget): Promise<Loaded> {
  const loaded: Loaded = { turns: [], tails: [], before: job.before, more: true };
  let resumed = job.turn;
  for (let looked = 0; looked < TURNS_MAX && hasRoom(budget); looked++) {
    const begun = resumed;
    resumed = undefined;
    const doc = begun === undefined ? await nextTurn(ctx, source, loaded.before) : await ctx.db.get("turns", begun.row);
    if (doc === null) {
      if (begun !== undefined) continue;
      return { ...loaded, more: false };
    }
    loaded.before = doc.turnOrder;
    budget.rows -= 1;
    budget.units -= ROW_UNITS;
    const made = await findTurn(ctx, copy, copy.threadId, doc.turnId);
    const gone = made === null && (begun !== undefined || (await isDeletedTurn(ctx, copy, copy.threadId, doc.turnId)));
    if (gone || isHidden(source, doc.turnOrder) || isHidden(copy, made?.turnOrder ?? doc.turnOrder)) continue;
    const turn: LoadedTurn = { doc, copy: made, kept: [], messages: [], next: undefined };
    loaded.turns.push(turn);
    turn.next = await loadTurn(ctx, job, copy, turn, begun, loaded, budget);
    if (turn.next !== undefined) return loaded;
  }
  return loaded;
}

/** The newest shown turn at a place below `before`. */
async function nextTurn(ctx: ReadCtx, source: Thread, before: number): Promise<Doc<"turns"> | null> {
  const { tenantId, userId, threadId } = source;
  for (const { from, to } of shownPlaces(source)) {
    if (from >= before) continue;
    const turn = await ctx.db
      .query("turns")
      .withIndex("by_order", (q) =>
        q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).gte("turnOrder", from).lt("turnOrder", Math.min(to, before)),
      )
      .order("desc")
      .first();
    if (turn !== null) return turn;
  }
  return null;
}

/** What a turn keeps, then its messages, as long as the batch has room; answers where it goes on, if it does. */
async function loadTurn(ctx: ReadCtx, job: Job, copy: Thread, turn: LoadedTurn, begun: Place["turn"], loaded: Loaded, budget: Budget): Promise<LoadedTurn["next"]> {
  const { tenantId, userId, threadId, turnId, turnOrder, _id: owner } = turn.doc;
  let kept = begun?.kept ?? "";
  let orderInTurn = begun?.orderInTurn ?? 0;
  for (;;) {
    const first = await ctx.db.query("parts").withIndex("by_owner", (q) => q.eq("owner", owner).gt("kind", kept)).first();
    if (first === null) break;
    if (!hasRoom(budget)) return { kept, orderInTurn };
    kept = first.kind;
    const isThere = turn.copy !== null && (await partsOf(ctx, turn.copy._id, kept).first()) !== null;
    if (isThere) continue;
    const texts = (await partsOf(ctx, owner, kept).take(PARTS_MAX)).map(({ text }) => text);
    for (const text of texts) take(budget, text);
    turn.kept.push({ kind: kept, texts });
  }
  const { newest } = job;
  if (newest === undefined || turnOrder > newest.turnOrder) return undefined;
  const until = turnOrder === newest.turnOrder ? newest.orderInTurn : Number.MAX_SAFE_INTEGER;
  const messages = ctx.db.query("messages").withIndex("by_order", (q) =>
    q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnOrder", turnOrder).gte("orderInTurn", orderInTurn).lte("orderInTurn", until),
  );
  let index = loaded.turns.reduce((sum, before) => sum + before.messages.length, 0);
  for await (const doc of messages) {
    orderInTurn = doc.orderInTurn;
    const goesOn = job.message?.row === doc._id ? job.message : undefined;
    if (goesOn === undefined) {
      if (budget.rows < MESSAGE_ROWS_MIN || budget.units < MESSAGE_UNITS_MIN) return { kept, orderInTurn };
      budget.rows -= 1;
      budget.units -= ROW_UNITS;
      if (await isThere(ctx, copy, turnId, doc.messageId)) continue;
    }
    const message = await loadMessage(ctx, doc, goesOn, index, loaded.tails, budget);
    turn.messages.push(message);
    if (message.next !== undefined) return { kept, orderInTurn };
    index += 1;
  }
  return undefined;
}

async function isThere(ctx: ReadCtx, { tenantId, userId, threadId }: Thread, turnId: string, messageId: string): Promise<boolean> {
  const found = await ctx.db
    .query("messages")
    .withIndex("by_message", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnId", turnId).eq("messageId", messageId),
    )
    .first();
  return found !== null;
}

/**
 * A message's parts, as long as the batch has room, then the tail that chunks hold. Every part that has one behind it is full:
 * only the last one grows, and it is read with the tail. A message whose row was written since is copied anew; one whose tail is being
 * copied only where its text is whole since: what it was told to be need not be what it had grown to.
 */
async function loadMessage(ctx: ReadCtx, doc: Message, begun: Place["message"], index: number, tails: Loaded["tails"], budget: Budget): Promise<LoadedMessage> {
  const isAsItWas = begun?.tail !== undefined ? !doc.textWhole : (begun?.updatedAt === doc.updatedAt && begun.closing === doc.closing);
  const from = isAsItWas ? begun : undefined;
  const message: LoadedMessage = { doc, copy: begun?.copy, parts: [], textBytes: from?.textBytes ?? 0, next: undefined };
  if (from?.tail === undefined) {
    for (const kind of from?.kind === "text" ? KINDS.slice(1) : KINDS) {
      for await (const { part, text } of partsOf(ctx, doc._id, kind, kind === from?.kind ? from.part : 0)) {
        if (!hasRoom(budget)) return { ...message, next: { kind, part } };
        take(budget, text);
        message.parts.push({ kind, part, text });
        if (kind === "text") message.textBytes += utf8Bytes(text);
      }
    }
  }
  if (doc.textWhole || doc.streamId === undefined) return message;
  const end = from?.tail?.end ?? (await findHead(ctx, doc, doc.streamId))?.latest ?? 0;
  const read = from?.tail === undefined ? doc : { ...doc, _id: from.copy, textBytes: from.textBytes, foldCursor: from.tail.cursor, foldHigh: from.tail.high };
  const { units, ...fold } = await loadFold(ctx, read as Message, doc.streamId, index, end);
  budget.units -= units;
  tails.push({ fold, whole: fold.end >= end });
  return fold.end >= end ? message : { ...message, next: { kind: "text", part: 0, tail: { cursor: fold.end, end } } };
}

async function insertTurn(ctx: WriteCtx, { tenantId, userId, threadId }: Thread, doc: Doc<"turns">, as: CopyAnswer["turns"][number], hasPlan: true | undefined): Promise<Id<"turns">> {
  const { turnId, turnOrder, hasItems, createdAt, sameRunAs, error, warning, inputSummary, options, startedAt, completedAt } = doc;
  const known = given({ source: as.source ?? doc.source, sameRunAs, error, warning, inputSummary, options, startedAt, completedAt, hasPlan });
  return await ctx.db.insert("turns", { tenantId, userId, threadId, turnId, turnOrder, hasItems, createdAt, status: as.status ?? doc.status, ...known });
}

/** Writes what was loaded of a message. It grows from no stream: what comes of its item finds it as one that another stream brought. */
async function writeMessage(
  ctx: WriteCtx,
  { tenantId, userId, threadId }: Thread,
  turnOrder: number,
  { doc, copy, parts, textBytes, next }: LoadedMessage,
  answer: CopyAnswer,
  at: number,
  tail: TailCopy | undefined,
): Promise<Id<"messages">> {
  const as = next === undefined ? answer.messages[at] : answer.part;
  const status = as?.status ?? doc.status;
  const set = {
    status,
    closing: as?.closing ?? doc.closing,
    completedAt: as?.status === undefined ? doc.completedAt : undefined,
    textBytes: tail?.textBytes ?? (next === undefined ? doc.textBytes : textBytes),
    role: doc.role,
    sourceItemType: doc.sourceItemType,
    payloadUnits: doc.payloadUnits,
    updatedAt: doc.updatedAt,
  };
  let id = copy;
  if (id === undefined) {
    const { turnId, itemId, messageId, occurrence, orderInTurn, createdAt } = doc;
    const { completedAt, ...rest } = set;
    const names = { tenantId, userId, threadId, turnId, turnOrder, itemId, messageId, occurrence, orderInTurn, startCursor: 0, createdAt };
    id = await ctx.db.insert("messages", { ...names, ...rest, ...given({ completedAt }), textWhole: true });
  } else await ctx.db.patch("messages", id, set);
  for (const { kind, part, text } of parts) await putPart(ctx, id, kind, part, text, copy === undefined);
  for (const [behind, text] of (tail?.parts ?? []).entries()) await putPart(ctx, id, "text", (tail?.firstPart ?? 0) + behind, text, copy === undefined && behind > 0);
  if (copy !== undefined && next === undefined) await cutParts(ctx, copy, parts, tail);
  return id;
}

async function putPart(ctx: WriteCtx, owner: Id<"messages">, kind: string, part: number, text: string, isNew: boolean): Promise<void> {
  const before = isNew ? null : await partsOf(ctx, owner, kind, part).first();
  if (before?.part !== part) await ctx.db.insert("parts", { owner, kind, part, text });
  else if (before.text !== text) await ctx.db.patch("parts", before._id, { text });
}

/** Takes away what is behind the last part of each kind: of a message that was copied anew, and is shorter. */
async function cutParts(ctx: WriteCtx, owner: Id<"messages">, parts: Part[], tail: TailCopy | undefined): Promise<void> {
  for (const kind of KINDS) {
    const last = kind === "text" && tail !== undefined ? tail.firstPart + tail.parts.length - 1 : parts.findLast((part) => part.kind === kind)?.part;
    if (last === undefined) continue;
    for (const { _id } of await partsOf(ctx, owner, kind, last + 1).take(SURPLUS_MAX)) await ctx.db.delete("parts", _id);
  }
}

function placeOf({ doc, textBytes }: LoadedMessage, next: NonNullable<LoadedMessage["next"]>, copy: Id<"messages">, tail: TailCopy | undefined): NonNullable<Job["message"]> {
  const { kind, part } = next;
  const { _id: row, updatedAt, closing } = doc;
  const at = { row, copy, updatedAt, closing, kind, part, textBytes: tail?.textBytes ?? textBytes };
  return next.tail === undefined ? at : { ...at, tail: { ...next.tail, ...given({ high: tail?.pendingHigh }) } };
}

function hasRoom(budget: Budget): boolean {
  return budget.rows > 0 && budget.units > 0;
}

function take(budget: Budget, text: string): void {
  budget.rows -= 1;
  budget.units -= text.length;
}
