/** Messages as readers get them: the row, its text as far as it is known, its payload. */
import { given } from "../../js-wrapper/given.js";
import { isStub } from "../../js-wrapper/oversize.js";
import type { Doc } from "../_generated/dataModel.js";
import type { MessageRow, Tail } from "../validators.js";
import { cut, partsOf, readParts, utf8Bytes } from "./parts.js";
import { findStream, findTurn, type ReadCtx } from "./scope.js";
import { RunJoiner, runTexts, tailStart } from "./runs.js";

/** UTF-8 bytes of text that a list shows of one message; `textTruncated` says that there is more. */
export const LIST_TEXT_BYTES_MAX = 256 * 1024;
/** UTF-16 units of a payload that a list shows. */
const LIST_PAYLOAD_UNITS_MAX = 256 * 1024;
/** UTF-16 units of a stream that are read for one message's text: other items may lie between its runs. */
const STREAM_READ_UNITS_MAX = 4 * 1024 * 1024;
/** UTF-8 bytes after which a page of messages ends. */
export const LIST_PAGE_BYTES_MAX = 4 * 1024 * 1024;

/** Why a message's turn ended, where that closed the message. */
export type ErrorOf = (doc: Doc<"messages">) => Promise<string | undefined>;

/** Reads each turn once, and none whose messages ended well or by their own word. */
export function errorsOfTurns(ctx: ReadCtx): ErrorOf {
  const turns = new Map<string, ReturnType<typeof findTurn>>();
  return async (doc) => {
    if (!isClosedByTurn(doc)) return undefined;
    const { threadId, turnId } = doc;
    const turn = turns.get(turnId) ?? findTurn(ctx, doc, threadId, turnId);
    turns.set(turnId, turn);
    return (await turn)?.error;
  };
}

/** The same of one turn, which is at hand. */
export function errorsOf({ error }: Doc<"turns">): ErrorOf {
  return (doc) => Promise.resolve(isClosedByTurn(doc) ? error : undefined);
}

/** Whether a message ended as its turn did, other than well. */
function isClosedByTurn({ closing, status }: Doc<"messages">): boolean {
  return closing === "turn" && status !== "completed";
}

/** @param isFollowed whether its reader follows the live streams, so that what they hold of it is left out */
export async function presentMessage(
  ctx: ReadCtx,
  doc: Doc<"messages">,
  errorOf: ErrorOf,
  isFollowed = false,
): Promise<{ row: MessageRow; bytes: number }> {
  const { text, bytes, truncated, weight, tail } = await textOf(ctx, doc, isFollowed);
  const payload = await payloadOf(ctx, doc);
  const error = await errorOf(doc);
  const row = rowOf(doc, { text, ...(truncated ? { textTruncated: true, textBytes: bytes } : {}), ...payload, ...given({ error, tail }) });
  return { row, bytes: weight + utf8Bytes(payload.payloadJson + (error ?? "")) };
}

/** The row without its text and payload: of the message it reads nothing but the row itself. */
export async function outlineMessage(doc: Doc<"messages">, errorOf: ErrorOf): Promise<{ row: MessageRow; bytes: number }> {
  const content = { text: "", textTruncated: true, textBytes: doc.textBytes, ...payloadStub(doc), ...given({ error: await errorOf(doc) }) };
  return { row: rowOf(doc, content), bytes: 0 };
}

type Content = Pick<MessageRow, "text" | "textTruncated" | "textBytes" | "tail" | "payloadJson" | "payloadTruncated" | "error">;

function rowOf(doc: Doc<"messages">, content: Content): MessageRow {
  return {
    messageId: doc.messageId,
    turnId: doc.turnId,
    turnOrder: doc.turnOrder,
    orderInTurn: doc.orderInTurn,
    role: doc.role,
    status: doc.status,
    ...content,
    sourceItemType: doc.sourceItemType,
    createdAt: doc.createdAt,
    updatedAt: doc.updatedAt,
    ...(doc.completedAt === undefined ? {} : { completedAt: doc.completedAt }),
  };
}

/** The payload, or what a reader has to know of one that is too large for a list; one that was too large to be stored is a stub itself. */
export async function payloadOf(
  ctx: ReadCtx,
  doc: Doc<"messages">,
  unitsMax = LIST_PAYLOAD_UNITS_MAX,
): Promise<{ payloadJson: string; payloadTruncated?: true }> {
  if (doc.payloadUnits > Math.min(unitsMax, LIST_PAYLOAD_UNITS_MAX)) return payloadStub(doc);
  const payloadJson = await readParts(ctx, doc._id, "payload");
  // Most are not read for it.
  const isOversize = payloadJson.includes('"oversize":{') && isStub(JSON.parse(payloadJson) as object);
  return isOversize ? { payloadJson, payloadTruncated: true } : { payloadJson };
}

function payloadStub(doc: Doc<"messages">): { payloadJson: string; payloadTruncated: true } {
  const stub = { type: doc.sourceItemType, id: doc.itemId, $payload: { units: doc.payloadUnits } };
  return { payloadJson: JSON.stringify(stub), payloadTruncated: true };
}

/** A text as far as a list shows it, how long it is, what reading it cost, and the first cursor behind what was read of its stream. */
type ReadText = { text: string; bytes: number; truncated: boolean; weight: number; end: number; tail: Tail };

/** Where a message that streams goes on in its stream, behind its parts; undefined where that stream is not live. */
async function liveTail(ctx: ReadCtx, doc: Doc<"messages">): Promise<Tail> {
  const { status, streamId, foldHigh } = doc;
  if (status !== "streaming" || streamId === undefined) return undefined;
  const stream = await findStream(ctx, doc, doc.threadId, streamId);
  if (stream?.state !== "streaming") return undefined;
  return { streamId, cursor: tailStart(doc), ...given({ high: foldHigh }) };
}

/** A message's text so far, up to what a list shows: its parts, then what the chunks of its stream hold of it, or for one who follows that stream its `tail`. */
export async function textOf(ctx: ReadCtx, doc: Doc<"messages">, isFollowed = false): Promise<ReadText> {
  const tail = isFollowed ? await liveTail(ctx, doc) : undefined;
  let text = "";
  let shown = 0;
  const allowance = { left: STREAM_READ_UNITS_MAX };
  for await (const part of partsOf(ctx, doc._id, "text")) {
    text += part.text;
    shown += utf8Bytes(part.text);
    if (shown >= LIST_TEXT_BYTES_MAX) break;
  }
  // The stream is read beyond what is shown, too: it is short, and says how long the text is.
  let bytes = doc.textBytes;
  let end = tailStart(doc);
  if (tail === undefined && !doc.textWhole && doc.streamId !== undefined) {
    const joiner = new RunJoiner(doc.foldHigh);
    let streamed = "";
    for await (const run of runTexts(ctx, doc, doc.streamId, allowance)) {
      streamed += joiner.join(run);
      end = run.cursorEnd;
    }
    if (doc.status !== "streaming") streamed += joiner.end();
    if (shown < LIST_TEXT_BYTES_MAX) text += streamed;
    bytes += utf8Bytes(streamed);
  }
  const weight = Math.max(Math.min(bytes, LIST_TEXT_BYTES_MAX), STREAM_READ_UNITS_MAX - allowance.left);
  const truncated = bytes > LIST_TEXT_BYTES_MAX || allowance.left <= 0;
  return { text: cut(text, LIST_TEXT_BYTES_MAX), bytes, truncated, weight, end, tail };
}
