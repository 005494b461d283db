/** Reads the events that a stream kept: which turn, which use of which item, in the order of their cursors. */
import { fieldsOf, readObject } from "../protocol/fields.js";
import { LayeredMap } from "./layered-map.js";

/** An event of a stream as `readers.replay` answers it, for the half-open range `[cursorStart, cursorEnd)`. */
export interface CodexStreamDeltaLike {
  streamId: string;
  cursorStart: number;
  cursorEnd: number;
  kind: string;
  payloadJson: string;
}

/** The fields of a payload's `params` that are read; a payload is not trusted to have them. */
export interface DeltaParams {
  readonly turnId?: unknown;
  readonly itemId?: unknown;
  readonly delta?: unknown;
  readonly summaryIndex?: unknown;
  readonly contentIndex?: unknown;
  readonly willRetry?: unknown;
  readonly item?: { readonly id?: unknown; readonly type?: unknown; readonly text?: unknown; readonly status?: unknown } | null;
  readonly turn?: { readonly id?: unknown; readonly status?: unknown; readonly error?: { readonly message?: unknown } | null } | null;
  readonly error?: { readonly message?: unknown } | null;
}

/** An event that was read. */
export interface ReadDelta {
  readonly delta: CodexStreamDeltaLike;
  readonly params: DeltaParams;
  readonly turnId: string;
}

/**
 * Reads events, each stream's in the order of its cursors and each event once; what cannot be read is left out.
 *
 * @param deltas in any order, of any streams
 */
export function readDeltas(deltas: readonly CodexStreamDeltaLike[]): ReadDelta[] {
  const streams = new Map<string, CodexStreamDeltaLike[]>();
  for (const delta of deltas) {
    const stream = streams.get(delta.streamId);
    if (stream === undefined) streams.set(delta.streamId, [delta]);
    else stream.push(delta);
  }
  const read: ReadDelta[] = [];
  for (const stream of streams.values()) {
    let end = Number.NEGATIVE_INFINITY;
    for (const delta of stream.sort((a, b) => a.cursorStart - b.cursorStart)) {
      if (delta.cursorStart < end) continue;
      end = delta.cursorEnd;
      const params: DeltaParams | undefined = fieldsOf(readObject(delta.payloadJson)?.["params"]);
      const turnId = params?.turnId ?? params?.turn?.id;
      if (params !== undefined && typeof turnId === "string") read.push({ delta, params, turnId });
    }
  }
  return read;
}

/** Counts how often each item of a turn was begun anew behind its end: an item's id may be used again. */
export class ItemUses {
  readonly #uses: LayeredMap<string, Readonly<{ count: number; ended: boolean }>>;

  /** @param before What was counted before; it is left as it is, and counts no more. */
  constructor(before?: ItemUses) {
    this.#uses = new LayeredMap(before === undefined ? undefined : before.#uses);
  }

  /** The message that an event of an item belongs to. */
  messageIdOf({ turnId, delta: { kind } }: ReadDelta, itemId: string): string {
    const key = JSON.stringify([turnId, itemId]);
    const use = this.#uses.get(key) ?? { count: 1, ended: false };
    const isAnew = kind === "item/started" && use.ended;
    const count = isAnew ? use.count + 1 : use.count;
    const ended = kind === "item/completed" || (use.ended && !isAnew);
    // A piece of an item's text says nothing new of its use.
    if (count !== use.count || ended !== use.ended) this.#uses.set(key, { count, ended });
    return messageIdOf(itemId, count);
  }
}

/** As the component names messages (`src/ingest/messages.rs`): an item whose own id ends so is `${itemId}#1`. */
function messageIdOf(itemId: string, use: number): string {
  return use > 1 || /#\d+$/.test(itemId) ? `${itemId}#${String(use)}` : itemId;
}
