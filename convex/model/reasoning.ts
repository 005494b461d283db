/** Reasoning as readers get it: segments of items whose row, payload and text are kept as long as their turn. The core tells them apart. */
import { readReasoning } from "../../js-wrapper/core/reasoning.js";
import { given } from "../../js-wrapper/given.js";
import type { Doc } from "../_generated/dataModel.js";
import type { ReasoningSegment } from "../validators.js";
import { decide } from "./core.js";
import { LIST_PAGE_BYTES_MAX, LIST_TEXT_BYTES_MAX, textOf } from "./messages.js";
import { cut, readParts, utf8Bytes } from "./parts.js";
import type { ReadCtx } from "./scope.js";

/** What a segment weighs at least in a page: its ids, and its place among the 8,192 elements of an array. */
const SEGMENT_BYTES_MIN = 1024;

/** Reads the items of one page, newest first: each as its segments, newest first too. */
export class ReasoningPage {
  readonly #ctx: ReadCtx;
  readonly #includeRaw: boolean;
  readonly #isFollowed: boolean;
  #left = LIST_PAGE_BYTES_MAX;
  #isBegun = false;

  /** @param isFollowed whether its reader follows the live streams, so that what they hold of it is left out */
  constructor(ctx: ReadCtx, includeRaw: boolean, isFollowed: boolean) {
    this.#ctx = ctx;
    this.#includeRaw = includeRaw;
    this.#isFollowed = isFollowed;
  }

  /** The item's segments, and what they weigh; of one that the page has no room for, nothing is read. */
  async present(doc: Doc<"messages">): Promise<{ row: ReasoningSegment[]; bytes: number }> {
    const ended = doc.closing === "item";
    const readsPayload = ended || this.#includeRaw;
    if (this.#isBegun && readsPayload && doc.payloadUnits > this.#left) return { row: [], bytes: Infinity };
    const payloadJson = readsPayload ? await readParts(this.#ctx, doc._id, "payload") : undefined;
    const soFar = ended ? undefined : await textOf(this.#ctx, doc, this.#isFollowed);
    const { segments } = decide(() => readReasoning({ ended, includeRaw: this.#includeRaw, payloadJson }));
    const row = segments
      .map(({ channel, segmentType, part, text }) => {
        const place = part ?? 0;
        const of = segmentType === "sectionBreak" ? ["break"] : [];
        const id = JSON.stringify([doc.turnId, doc.messageId, channel, place, ...of]);
        const index = part === undefined ? {} : channel === "raw" ? { contentIndex: part } : { summaryIndex: part };
        const { text: shown, truncated, bytes: textBytes, tail } = text === undefined ? (soFar ?? whole("")) : whole(text);
        return {
          segmentId: id,
          eventId: id,
          turnId: doc.turnId,
          itemId: doc.itemId,
          messageId: doc.messageId,
          channel,
          segmentType,
          text: shown,
          ...(truncated ? { textTruncated: true, textBytes } : {}),
          ...given({ tail }),
          ...index,
          cursorStart: doc.startCursor,
          cursorEnd: Math.max(doc.endCursor === undefined ? (soFar?.end ?? 0) : doc.endCursor + 1, doc.startCursor + 1),
          status: doc.status,
          createdAt: doc.createdAt,
        };
      })
      // Of an item that has said nothing yet there is nothing to show, but to one who follows it.
      .filter(({ segmentType, text, tail }) => segmentType === "sectionBreak" || text !== "" || tail !== undefined)
      .reverse();
    const bytes = utf8Bytes(payloadJson ?? "") + (soFar?.weight ?? 0) + row.length * SEGMENT_BYTES_MIN;
    this.#left -= bytes;
    this.#isBegun = true;
    return { row, bytes };
  }
}

function whole(text: string): { text: string; truncated: boolean; bytes: number; tail: undefined } {
  const bytes = utf8Bytes(text);
  return { text: cut(text, LIST_TEXT_BYTES_MAX), truncated: bytes > LIST_TEXT_BYTES_MAX, bytes, tail: undefined };
}
