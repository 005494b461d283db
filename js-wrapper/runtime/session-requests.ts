import { isStub } from "../oversize.js";
import type { Outbox, OutboxBatch } from "../outbox/index.js";
import type { NormalizedEvent, RpcId } from "../protocol/index.js";
import type { RequestName } from "./claimed-command.js";
import type { ThreadNotes } from "./convex-delivery.js";
import { LeftRequests } from "./left-requests.js";
import { RequestNotes } from "./request-notes.js";
import { isOfProcess, type ProcessName, RequestRecords, type RequestRecordsOptions } from "./request-records.js";
import { type ServerRequest, type ServerRequestActions, ServerRequests, type Threadless } from "./server-requests.js";
import type { RuntimeState } from "./state.js";
import type { LoadedThreads } from "./threads.js";

/** What {@link SessionRequests} are made of. Threads are named by the app-server's ids. */
interface SessionRequestsOptions extends Omit<RequestRecordsOptions, "notes" | "waiting">, Pick<ServerRequestActions, "send" | "refused"> {
  readonly outbox: ThreadNotes & Pick<Outbox, "backlog">;
  readonly threadless: Threadless;
  readonly threads: Pick<LoadedThreads, "inConvex">;
  readonly state: Pick<RuntimeState, "waiting">;
}

/** What the processes of a session ask: it waits here until it is answered, and Convex shows it as long. */
export class SessionRequests {
  /** Those that wait. */
  readonly waiting: ServerRequests;
  readonly #process: () => ProcessName;
  readonly #threads: Pick<LoadedThreads, "inConvex">;
  readonly #records: RequestRecords;
  readonly #left: LeftRequests;
  /** Threads that were deleted in Convex, as the outbox holds them to be: nobody is shown what they ask. */
  readonly #deleted = new Set<string>();

  constructor(options: SessionRequestsOptions) {
    const { send, refused, threadless, threads, state, process } = options;
    this.#process = process;
    this.#threads = threads;
    const notes = new RequestNotes(options.outbox);
    this.#records = new RequestRecords({ ...options, notes, waiting: (id) => this.waiting.get(id) });
    this.#left = new LeftRequests(notes.list(), options.outbox.backlog(), (threadId, request) => this.#records.left(threadId, request));
    const tellCount = () => state.waiting(this.waiting.list().length);
    const actions: ServerRequestActions = {
      ...{ send, refused },
      opened: (request) => {
        tellCount();
        if (this.#isRecorded(request)) this.#records.opened(request);
      },
      closed: (request, end) => {
        tellCount();
        if (this.#isRecorded(request)) this.#records.closed(request, end);
      },
      now: () => Date.now(),
    };
    this.waiting = new ServerRequests(actions, threadless);
  }

  /** Resolves when Convex knows all that it was to be told so far. */
  get told(): Promise<void> {
    return this.#records.told;
  }

  /** Settles what earlier starts left open, each behind what waits of its thread. */
  settleLeft(): void {
    this.#left.settle();
  }

  /** A batch is in Convex. */
  arrived({ threadId, events }: OutboxBatch): void {
    this.#left.arrived(threadId, events.length);
  }

  /**
   * A message of a thread that wants an answer is a request.
   *
   * @returns whether it says what was not said yet
   */
  saw({ kind, threadId, payloadJson }: NormalizedEvent): boolean {
    const message = JSON.parse(payloadJson) as { id?: RpcId; params?: unknown };
    const { id, params } = message;
    if (id === undefined) return true;
    const isNew = this.waiting.asked({ id, method: kind, params }, { threadId, payloadJson });
    // Nobody can be shown what it asks.
    if (isStub(message) || this.#deleted.has(threadId)) this.waiting.withdraw(id);
    return isNew;
  }

  /** What a thread asks that is no more, nobody will decide. */
  threadDeleted(id: string): void {
    this.#deleted.add(id);
    for (const request of this.waiting.list(id)) this.waiting.withdraw(request.id);
  }

  /** The request that waits under a name in a thread of Convex's; ids count from 0 in every process. */
  named(threadId: string, name: RequestName): ServerRequest | undefined {
    const asked = this.waiting.get(name.requestId);
    const isIt = asked?.threadId !== undefined && isOfProcess(name, this.#process()) && this.#threads.inConvex(asked.threadId) === threadId;
    return isIt ? asked : undefined;
  }

  #isRecorded({ threadId }: ServerRequest): boolean {
    return threadId === undefined || !this.#deleted.has(threadId);
  }
}
