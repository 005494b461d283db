/** The turns that were open in an app-server when the runtime lost sight of it, which goes on, or went on, without; and those that it says it does not run. */
import type { AppServerClient, ClientRequestResult } from "../app-server/index.js";
import type { ListedTurn } from "../bridge/index.js";
import { isRefusedByCodex } from "./errors.js";

/** Newest turns of a thread among which one that runs is looked for: it is the newest, but for turns that begin meanwhile. */
const TURNS_LISTED = 8;

/** What codex says of one; or that it runs by another name. */
type Found = ListedTurn | "sameRun";
type Turns = ClientRequestResult<"thread/turns/list">["data"];

/** What becomes of such turns. Threads are named by the app-server's ids. */
export interface LeftTurnsActions {
  readonly client: Pick<AppServerClient, "request" | "requestUntyped">;
  /** Whether its end has not been seen meanwhile. */
  readonly isOpen: (threadId: string, turnId: string) => boolean;
  /** It runs on. */
  readonly runs: (threadId: string, turnId: string) => void;
  /** What nobody was told: the items that are over, and the end, where it has ended. */
  readonly tell: (threadId: string, turn: ListedTurn) => void;
  /** What failed; it is asked again when codex answers the next time that it has the thread. */
  readonly failed: (thrown: unknown) => void;
}

/** Asks the app-server what has become of them, once it has the way to tell of what happens next. */
export class LeftTurns {
  readonly #actions: LeftTurnsActions;
  /** By thread. */
  readonly #left = new Map<string, readonly string[]>();
  /** Items that were told already of a turn that runs on, by its id. */
  readonly #toldItems = new Map<string, Set<unknown>>();

  constructor(actions: LeftTurnsActions) {
    this.#actions = actions;
  }

  /** These are left: an earlier start had them open, or the connection is lost. @param open turns by their threads */
  leave(open: Iterable<readonly [threadId: string, turnIds: readonly string[]]>): void {
    for (const [threadId, turnIds] of open) this.#left.set(threadId, [...new Set([...(this.#left.get(threadId) ?? []), ...turnIds])]);
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
      open = left.filter((turnId, at) => this.#settle(threadId, turnId, found[at] ?? "sameRun"));
    } catch (thrown) {
      this.#actions.failed(thrown);
    }
    // Where the way to it is lost before it tells of them, it is asked again.
    if (open.length > 0) this.leave([[threadId, open]]);
  }

  /** Settles those of threads that are not loaded, of which nobody will tell. @param loaded those that are */
  async settleOthers(loaded: readonly string[]): Promise<void> {
    for (const threadId of [...this.#left.keys()].filter((id) => !loaded.includes(id))) await this.settle(threadId);
  }

  /** @returns whether it goes on */
  #settle(threadId: string, turnId: string, found: Found): boolean {
    if (!this.#actions.isOpen(threadId, turnId)) {
      this.#toldItems.delete(turnId);
      return false;
    }
    if (found === "sameRun") return true;
    const isRunning = found.status === "inProgress";
    if (isRunning) this.#actions.runs(threadId, turnId);
    const told = this.#toldItems.get(turnId) ?? new Set();
    const items = found.items.filter((item) => !told.has(idOf(item)));
    this.#actions.tell(threadId, { ...found, items });
    for (const item of items) told.add(idOf(item));
    if (isRunning) this.#toldItems.set(turnId, told);
    else this.#toldItems.delete(turnId);
    return isRunning;
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
      // A legacy thread's items have other ids in its history than they had.
      const items = thread?.historyMode === "paginated" ? (turn?.items ?? []) : [];
      if (isActive && running.includes(id)) return { id, status: "inProgress", items: items.filter(isOver) };
      // A review's turn has two ids, and one of them is listed.
      if (isActive && turn === undefined && left.some((other) => running.includes(other))) return "sameRun";
      const status = turn === undefined || turn.status === "inProgress" ? "interrupted" : turn.status;
      return { id, status, items };
    });
  }
}

function idOf(item: unknown): unknown {
  return (item as Turns[number]["items"][number]).id;
}

/** Whether an item of a turn that runs is over: codex lists no other, as far as it was seen. */
function isOver({ completedAtMs }: Turns[number]["items"][number]): boolean {
  return typeof completedAtMs === "number";
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
