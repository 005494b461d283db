import type { ConvexReactClient } from "convex/react";
import type { FunctionReference } from "convex/server";
import { getFunctionName } from "convex/server";
import type { CodexDurableMessageLike, CodexStreamDeltaLike, CodexStreamText } from "../../js-wrapper/mapping/index.js";
import type { CodexMessagesPage } from "../../js-wrapper/react/index.js";

type Args = Record<string, unknown>;
type Serve = (args: Args) => unknown;

/**
 * A FAKE ConvexReactClient: it has what `ConvexProvider` and `useQueries` use, and nothing more.
 * `convex/react` itself is the real one. As with the real client, a result keeps its identity for
 * as long as its content is the same, and a new subscription has no result until it is served.
 */
export class FakeConvex {
  /** Every subscription ever made, in order. */
  readonly subscribed: Args[] = [];
  readonly #watches = new Map<string, Watched>();
  readonly #serve: Serve;
  #isHolding: (args: Args) => boolean = () => false;

  constructor(serve: Serve) {
    this.#serve = serve;
  }

  get client(): ConvexReactClient {
    return { logger: console, watchQuery: this.#watchQuery } as unknown as ConvexReactClient;
  }

  /** What is subscribed to right now. */
  get active(): Args[] {
    return [...this.#watches.values()].filter((w) => w.listeners.size > 0).map((w) => w.args);
  }

  /** Queries for which `isHolding` is true get no answer until they are let go. */
  hold(isHolding: (args: Args) => boolean): void {
    this.#isHolding = isHolding;
  }

  /** Answers every subscription anew, in one go, as the real client's transitions do. */
  async flush(): Promise<void> {
    const changed = [...this.#watches.values()].filter((watched) => this.#update(watched));
    for (const { listeners } of changed) for (const listener of listeners) listener();
  }

  #update(watched: Watched): boolean {
    if (watched.listeners.size === 0 || this.#isHolding(watched.args)) return false;
    let value: unknown;
    try {
      value = structuredClone(this.#serve(watched.args));
    } catch (error) {
      value = error;
    }
    const content = value instanceof Error ? `error ${value.message}` : JSON.stringify(value);
    if (watched.content === content) return false;
    watched.content = content;
    watched.value = value;
    return true;
  }

  readonly #watchQuery = (query: FunctionReference<"query">, args: Args) => {
    const key = JSON.stringify([getFunctionName(query), args]);
    const find = () => this.#watches.get(key);
    return {
      onUpdate: (listener: () => void) => {
        const watched = find() ?? { args, listeners: new Set() };
        if (watched.listeners.size === 0) this.subscribed.push(args);
        watched.listeners.add(listener);
        this.#watches.set(key, watched);
        return () => {
          watched.listeners.delete(listener);
          if (watched.listeners.size === 0) this.#watches.delete(key);
        };
      },
      localQueryResult: () => {
        const value = find()?.value;
        if (value instanceof Error) throw value;
        return value;
      },
      journal: () => undefined,
    };
  };
}

interface Watched {
  args: Args;
  listeners: Set<() => void>;
  content?: string;
  value?: unknown;
}

interface FakeStream {
  state: "streaming" | "finished" | "aborted";
  runs: CodexStreamText[];
  /** Events that were kept. */
  events: CodexStreamDeltaLike[];
  latest: number;
  turnOrder: number;
  /** What lies below was trimmed. */
  keptFrom: number;
  /** What has not come. */
  holes: { cursorStart: number; cursorEnd: number }[];
}

/** Runs and events of a stream that one answer holds at most, so that catching up takes several. */
const RUNS_PER_ANSWER = 100;

/** A FAKE host: the query contract of one deployment, over rows and streams in memory. */
export class FakeHost {
  readonly rows = new Map<string, CodexDurableMessageLike[]>();
  readonly streams = new Map<string, Map<string, FakeStream>>();
  /** Runs given out, over all answers. */
  runsServed = 0;
  /** Runs and events given out, over all answers. */
  served = 0;
  error: Error | undefined;
  /** Rows that one page holds at most: it ends early, as the component's do. */
  pageRowsMax = Infinity;

  put(threadId: string, row: Partial<CodexDurableMessageLike> & { messageId: string }): void {
    const rows = this.rows.get(threadId) ?? [];
    const at = rows.findIndex(({ messageId }) => messageId === row.messageId);
    const before = at >= 0 ? rows[at] : undefined;
    const next: CodexDurableMessageLike = {
      turnId: "turn",
      role: "assistant",
      status: "completed",
      text: "",
      orderInTurn: rows.length,
      createdAt: 0,
      updatedAt: 0,
      ...before,
      ...row,
    };
    if (at >= 0) rows[at] = next;
    else rows.push(next);
    this.rows.set(threadId, rows);
  }

  stream(threadId: string, streamId = `${threadId}:turn:0`): FakeStream {
    const streams = this.streams.get(threadId) ?? new Map<string, FakeStream>();
    this.streams.set(threadId, streams);
    const stream = streams.get(streamId) ?? {
      state: "streaming",
      runs: [],
      events: [],
      latest: 0,
      turnOrder: 0,
      keptFrom: 0,
      holes: [],
    };
    streams.set(streamId, stream);
    return stream;
  }

  say(
    threadId: string,
    messageId: string,
    text: string,
    channel: "text" | "output" = "text",
  ): void {
    const stream = this.stream(threadId);
    const cursorStart = stream.latest;
    stream.latest += 1;
    stream.runs.push({
      streamId: `${threadId}:turn:0`,
      turnId: "turn",
      messageId,
      channel,
      cursorStart,
      cursorEnd: stream.latest,
      text,
    });
  }

  /** Events that have not come: what is said next lies behind them. */
  lose(threadId: string, count = 1): void {
    const stream = this.stream(threadId);
    stream.holes.push({ cursorStart: stream.latest, cursorEnd: stream.latest + count });
    stream.latest += count;
  }

  /** The first event of a hole comes, late: a piece of text. */
  fill(threadId: string, messageId: string, text: string, at = 0): void {
    const stream = this.stream(threadId);
    const { cursorStart, cursorEnd } = stream.holes[at]!;
    const left = cursorStart + 1 < cursorEnd ? [{ cursorStart: cursorStart + 1, cursorEnd }] : [];
    stream.holes.splice(at, 1, ...left);
    stream.runs.push({ streamId: `${threadId}:turn:0`, turnId: "turn", messageId, channel: "text", cursorStart, cursorEnd: cursorStart + 1, text });
  }

  /** An event that is kept. */
  tell(threadId: string, kind: string, params: object, streamId = `${threadId}:turn:0`): void {
    const stream = this.stream(threadId, streamId);
    const cursorStart = stream.latest;
    stream.latest += 1;
    const payloadJson = JSON.stringify({ method: kind, params: { turnId: "turn", ...params } });
    stream.events.push({ streamId, cursorStart, cursorEnd: stream.latest, kind, payloadJson });
  }

  readonly serve = (args: Args): CodexMessagesPage => {
    if (this.error !== undefined) throw this.error;
    const threadId = args["threadId"] as string;
    const rows = this.rows.get(threadId);
    const streams = this.#readStreams(threadId, args["streamArgs"]);
    const isFollowed = (args["streamArgs"] as StreamArgs | undefined)?.kind === "followed";
    const asAsked = (row: CodexDurableMessageLike) => (isFollowed ? row : { ...row, tail: undefined });
    return {
      ...this.#readPage((rows ?? []).map(asAsked), args["paginationOpts"] as PageOpts),
      ...(streams !== undefined && { streams }),
      threadStatus: rows === undefined ? "missing" : "active",
    };
  };

  #readPage(rows: readonly CodexDurableMessageLike[], opts: PageOpts) {
    const { cursor, endCursor, numItems } = opts;
    if (numItems === 0) return { page: [], isDone: false, continueCursor: cursor ?? "" };
    const newestFirst = [...rows].reverse();
    const after = (id: string) => newestFirst.findIndex(({ messageId }) => messageId === id) + 1;
    const from = cursor === null ? 0 : after(cursor);
    if (cursor !== null && from === 0) throw new Error("InvalidCursor");
    const asked = endCursor ? after(endCursor) : from + numItems;
    const to = Math.min(asked, from + this.pageRowsMax);
    const page = newestFirst.slice(from, to);
    return {
      page,
      isDone: to >= newestFirst.length,
      continueCursor: page.at(-1)?.messageId ?? cursor ?? "",
    };
  }

  #readStreams(threadId: string, streamArgs: unknown): CodexMessagesPage["streams"] {
    if (streamArgs === undefined) return undefined;
    const { cursors, kind, startOrder = 0 } = streamArgs as StreamArgs;
    if (kind === "followed") return undefined;
    const streams = this.streams.get(threadId) ?? new Map<string, FakeStream>();
    const infos = listedOf(streams, startOrder);
    if (kind === "list") return { kind, streams: infos };
    const read = cursors.map(({ streamId, cursor }) => {
      const stream = streams.get(streamId) ?? { runs: [], events: [], latest: 0, keptFrom: 0, holes: [] };
      const isStale =
        cursor > stream.latest || (stream.keptFrom >= stream.latest && cursor < stream.latest);
      // As the component answers: nothing covers the cursor, and something lies behind.
      const hole = stream.holes.find((one) => one.cursorStart <= cursor && cursor < one.cursorEnd);
      const isTrimmed = cursor < stream.keptFrom || (hole !== undefined && hole.cursorEnd < stream.latest);
      const from = isTrimmed ? Math.max(stream.keptFrom, hole?.cursorEnd ?? 0) : cursor;
      const isAsked = ({ cursorStart }: { cursorStart: number }) => cursorStart >= from;
      const kept = isStale ? [] : [...stream.runs.filter(isAsked), ...stream.events.filter(isAsked)];
      const served = kept.sort((a, b) => a.cursorStart - b.cursorStart).slice(0, RUNS_PER_ANSWER);
      const end = isStale ? stream.latest : (served.at(-1)?.cursorEnd ?? cursor);
      const texts = served.filter((one) => "text" in one);
      const deltas = served.filter((one) => "kind" in one);
      const status = isStale ? "stale" : isTrimmed ? "rebased" : "ok";
      const holes = stream.holes.filter(({ cursorStart }) => cursorStart < end);
      return { streamId, status, from: isStale ? cursor : from, end, texts, deltas, holes } as const;
    });
    const texts = read.flatMap((one) => one.texts);
    this.runsServed += texts.length;
    this.served += read.flatMap((one) => [...one.texts, ...one.deltas]).length;
    return {
      kind: "deltas",
      streams: infos,
      streamWindows: read.map(({ streamId, status, from, end, holes }) => ({
        streamId,
        status,
        serverCursorStart: from,
        serverCursorEnd: end,
        ...(holes.length > 0 && { holes }),
      })),
      nextCheckpoints: read.map(({ streamId, end }) => ({ streamId, cursor: end })),
      texts,
      deltas: read.flatMap((one) => one.deltas),
    };
  }
}

/** As the component lists them: those that stream first, and of both kinds the newest first. */
function listedOf(streams: ReadonlyMap<string, FakeStream>, startOrder: number) {
  const newestFirst = [...streams].reverse().sort(([, a], [, b]) => b.turnOrder - a.turnOrder);
  const infos = newestFirst.filter(([, { turnOrder }]) => turnOrder >= startOrder).map(([streamId, { state, turnOrder }]) => ({ streamId, state, turnOrder }));
  return [...infos.filter(({ state }) => state === "streaming"), ...infos.filter(({ state }) => state !== "streaming")];
}

/** Whether a subscription is the one that follows streams, and no page. */
export const isOverlay = (args: Args): boolean => (args["paginationOpts"] as PageOpts).numItems === 0;

interface StreamArgs {
  kind: "list" | "deltas" | "followed";
  cursors: { streamId: string; cursor: number }[];
  startOrder?: number;
}

interface PageOpts {
  cursor: string | null;
  endCursor?: string;
  numItems: number;
}
