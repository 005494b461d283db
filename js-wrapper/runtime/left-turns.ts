/** The turns that an earlier start of the runtime left open in an app-server that goes on without it. */
import type { AppServerClient, ClientRequestResult } from "../app-server/index.js";
import type { EndedTurn } from "../bridge/index.js";
import { isRefusedByCodex } from "./errors.js";

/** Newest turns of a thread among which one that runs is looked for: it is the newest, but for turns that begin meanwhile. */
const TURNS_LISTED = 8;

/** What codex says of one: how it ended, or that it runs, by its name or another one. */
type Found = EndedTurn | "runs" | "sameRun";
type Turns = ClientRequestResult<"thread/turns/list">["data"];

/** What becomes of such turns. Threads are named by the app-server's ids. */
export interface LeftTurnsActions {
  readonly client: Pick<AppServerClient, "request" | "requestUntyped">;
  /** Whether its end has not been seen meanwhile. */
  readonly isOpen: (threadId: string, turnId: string) => boolean;
  /** It runs on. */
  readonly runs: (threadId: string, turnId: string) => void;
  /** It has ended, and nobody was told. */
  readonly ended: (threadId: string, turn: EndedTurn) => void;
  /** What failed; it is asked again when codex answers the next time that it has the thread. */
  readonly failed: (thrown: unknown) => void;
}

/** Asks the app-server what has become of them, once it has the way to tell of what happens next. */
export class LeftTurns {
  readonly #actions: LeftTurnsActions;
  /** By thread. */
  readonly #left: Map<string, readonly string[]>;

  /** @param left the turns that are open when the runtime starts, by their threads */
  constructor(left: ReadonlyMap<string, readonly string[]>, actions: LeftTurnsActions) {
    this.#left = new Map(left);
    this.#actions = actions;
  }

  /** Settles those of a thread: codex has answered that it has it, and tells of what happens in it. It never rejects. */
  async settle(threadId: string): Promise<void> {
    const left = this.#left.get(threadId);
    if (left === undefined) return;
    // What is asked already is not asked twice.
    this.#left.delete(threadId);
    let open = left;
    try {
      const found = await this.#ask(threadId, left);
      open = left.filter((turnId, at) => this.#settle(threadId, turnId, found[at] ?? "runs"));
    } catch (thrown) {
      this.#actions.failed(thrown);
    }
    // Where the way to it is lost before it tells of them, it is asked again.
    if (open.length > 0) this.#left.set(threadId, open);
  }

  /** Settles those of threads that are not loaded, of which nobody will tell. @param loaded those that are */
  async settleOthers(loaded: readonly string[]): Promise<void> {
    for (const threadId of [...this.#left.keys()].filter((id) => !loaded.includes(id))) await this.settle(threadId);
  }

  /** @returns whether it goes on */
  #settle(threadId: string, turnId: string, found: Found): boolean {
    if (!this.#actions.isOpen(threadId, turnId)) return false;
    if (found === "runs") this.#actions.runs(threadId, turnId);
    if (typeof found === "string") return true;
    this.#actions.ended(threadId, found);
    return false;
  }

  async #ask(threadId: string, left: readonly string[]): Promise<Found[]> {
    const { client } = this.#actions;
    const thread = (await orRefused(client.request("thread/read", { threadId })))?.thread;
    const list = { threadId, limit: TURNS_LISTED, sortDirection: "desc", itemsView: "full", cursor: null };
    const turns = thread === undefined ? [] : ((await orRefused(client.requestUntyped("thread/turns/list", list))) as { data: Turns } | undefined)?.data;
    // An app-server that lists none has one that runs: which other should it be?
    const running = turns === undefined ? left : turns.filter(({ status }) => status === "inProgress").map(({ id }) => id);
    const isActive = thread?.status.type === "active";
    return left.map((id) => {
      const turn = turns?.find((one) => one.id === id);
      if (isActive && running.includes(id)) return "runs";
      // A review's turn has two ids, and one of them is listed.
      if (isActive && turn === undefined && left.some((other) => running.includes(other))) return "sameRun";
      const status = turn === undefined || turn.status === "inProgress" ? "interrupted" : turn.status;
      // A legacy thread's items have other ids in its history than they had.
      return { id, status, items: thread?.historyMode === "paginated" ? (turn?.items ?? []) : [] };
    });
  }
}

/** What codex answers; undefined where it refuses. */
async function orRefused<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (thrown) {
    if (isRefusedByCodex(thrown)) return undefined;
    throw thrown;
  }
}
