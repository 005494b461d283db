import type { AppServerClient, AppServerError, ClientRequestParams, ClientRequestResult } from "../app-server/index.js";
import type { CodexSettings } from "../core/bridge.js";
import { given } from "../given.js";
import type { BoundThread, ConvexDelivery, CopyExtent } from "./convex-delivery.js";
import { CodexRuntimeError, isRefusedByCodex, passedOn } from "./errors.js";
import type { RuntimeState } from "./state.js";
import { type LoadedThreads, settingsOf } from "./threads.js";
import type { StartArgs } from "./types.js";

/** What codex answers where it has a thread. */
interface ThreadAnswer {
  readonly thread: { readonly id: string; readonly parentThreadId?: string | null };
}

/** How far `thread/fork` was to copy a thread: to the end, where it says nothing. */
type CopyAsked = Pick<ClientRequestParams<"thread/fork">, "beforeTurnId" | "lastTurnId">;

/** What {@link SessionThreads} are made of. Threads are named by the app-server's ids. */
interface SessionThreadsOptions {
  readonly args: StartArgs;
  readonly client: Pick<AppServerClient, "request">;
  readonly threads: LoadedThreads;
  readonly delivery: Pick<ConvexDelivery, "copies" | "name" | "parent">;
  readonly state: Pick<RuntimeState, "get" | "threadKnown" | "bound" | "loadedAgain">;
  /** Binds a thread in Convex; undefined where the runtime stops before. */
  readonly bind: (id: string) => Promise<BoundThread | undefined>;
  /** A thread is to be resumed: what was over in it before stands before what codex tells of it from then on. It never rejects. */
  readonly resumes: (id: string) => Promise<void>;
  /** Codex has answered that it has a thread. */
  readonly loaded: (id: string) => void;
  /** A thread was let go. */
  readonly unloaded: (id: string) => void;
  /** The runtime's own thread is there, in Convex too. */
  readonly goesOn: () => void;
  /** What was refused, and goes on without. */
  readonly failed: (thrown: unknown) => void;
}

/** The answer is one line, which a long history would make longer than a line may be; nothing here reads it. */
const WITHOUT_HISTORY = { excludeTurns: true };

/** Gives each process of codex its threads: the one of the start, those that an earlier process had, and what the app goes on in. */
export class SessionThreads {
  readonly #options: SessionThreadsOptions;
  #started: CodexSettings | undefined;

  constructor(options: SessionThreadsOptions) {
    this.#options = options;
  }

  /** What was in force in the thread of the start, as codex answered; undefined until it did. */
  get started(): CodexSettings | undefined {
    return this.#started;
  }

  /** Asks for the thread of the start, and binds it. @param isAnew a new one, whatever the start said */
  async begin(isAnew = false): Promise<void> {
    const { args, client, delivery } = this.#options;
    const { runtimeThreadId, externalThreadId, model, cwd, approvalPolicy, sandbox, dynamicTools, threadStrategy } = args;
    const strategy = isAnew ? "start" : (threadStrategy ?? (runtimeThreadId === undefined ? "start" : "resume"));
    if (strategy !== "start" && runtimeThreadId === undefined) throw new CodexRuntimeError(passedOn("E_REQUEST_INVALID"), `threadStrategy ${strategy} needs the runtimeThreadId of a thread`);
    const shown = given({ model, cwd });
    const fields = { ...shown, ...given({ approvalPolicy, sandbox }) };
    const threadId = runtimeThreadId ?? "";
    const answer = await (strategy === "start"
      ? client.request("thread/start", { ...fields, ...given({ dynamicTools }) })
      : strategy === "resume"
        ? this.#askFor(threadId, fields)
        : client.request("thread/fork", { threadId, ...fields, ...WITHOUT_HISTORY }));
    this.#started = settingsOf(answer);
    delivery.name(answer.thread.id, { ...given({ externalThreadId }), ...shown });
    // One that the app has a name for is made by that name, and what is in Convex is not copied there.
    if (strategy === "fork" && externalThreadId === undefined) await this.goOnInCopy(answer, threadId);
    else await this.goOnIn(answer, externalThreadId);
  }

  /** Asks for the threads that an earlier process had; for that of the start where it had none. @throws what refuses the runtime's own */
  async loadAgain(): Promise<void> {
    const threads = this.#options.threads.list();
    if (threads.length === 0) return this.begin();
    let refused: AppServerError | undefined;
    for (const id of threads) {
      await this.#resume(id).catch((thrown: unknown) => {
        if (!isRefusedByCodex(thrown)) throw thrown;
        refused ??= thrown;
      });
    }
    // The runtime's own: the others are there all the same.
    if (refused !== undefined) throw refused;
    this.#options.state.loadedAgain();
    this.#options.goesOn();
  }

  /**
   * A thread of the process is the runtime's from here on.
   *
   * @returns when Convex has it, or the runtime stops before
   * @throws what Convex refuses it with
   */
  async goOnIn(answer: ThreadAnswer, externalThreadId?: string): Promise<void> {
    this.#take(answer);
    await this.#bindOwn(answer.thread.id, externalThreadId);
  }

  #take(answer: ThreadAnswer): void {
    this.#load(answer);
    this.#options.state.threadKnown(answer.thread.id);
  }

  async #bindOwn(id: string, externalThreadId?: string): Promise<void> {
    const { state, bind, goesOn } = this.#options;
    const bound = await bind(id);
    if (bound === undefined) return;
    state.bound(bound.threadId, bound.externalThreadId ?? externalThreadId);
    goesOn();
  }

  /**
   * As {@link goOnIn}, in a copy that codex has made of a thread: what of that is in Convex is copied there, as far as codex has copied it.
   *
   * @param asked how far it was to copy it
   */
  async goOnInCopy(answer: ThreadAnswer, of: string, asked: CopyAsked = {}): Promise<void> {
    const { id } = answer.thread;
    const copies = this.#options.delivery.copies(id, of, extentAsked(asked), this.#extentOf(id, asked));
    this.#take(answer);
    await copies;
    await this.#bindOwn(id);
  }

  /** A further thread of the process: its events come, and it is followed from afar; turns go where they went. */
  async goOnBeside(answer: ThreadAnswer): Promise<void> {
    this.#load(answer);
    await this.#options.bind(answer.thread.id);
  }

  /** How far a copy goes, as codex says; one that is too old to say, or dies, has copied what was asked for. Never rejected. */
  async #extentOf(forkId: string, asked: CopyAsked): Promise<CopyExtent | undefined> {
    try {
      const { data } = await this.#options.client.request("thread/turns/list", { threadId: forkId, limit: 1, sortDirection: "desc" });
      return data[0] === undefined ? undefined : { lastTurnId: data[0].id };
    } catch {
      return extentAsked(asked);
    }
  }

  #load(answer: ThreadAnswer): void {
    const { threads, delivery, loaded } = this.#options;
    const { id, parentThreadId } = answer.thread;
    const parentId = parentThreadId ?? undefined;
    threads.load(id, { settings: settingsOf(answer), parentId });
    if (parentId !== undefined) delivery.parent(id, parentId);
    loaded(id);
  }

  /** Asks codex for a thread that it has had. */
  async #askFor(threadId: string, fields: Omit<ClientRequestParams<"thread/resume">, "threadId"> = {}): Promise<ClientRequestResult<"thread/resume">> {
    const { client, resumes } = this.#options;
    await resumes(threadId);
    return client.request("thread/resume", { threadId, ...fields, ...WITHOUT_HISTORY });
  }

  /**
   * A thread that codex has no more, or that another codex writes, is let go; the runtime's own is begun anew where nothing had happened in it,
   * for then codex kept nothing. @throws what refuses the runtime's own
   */
  async #resume(threadId: string): Promise<void> {
    const { threads, state, unloaded, failed } = this.#options;
    try {
      this.#load(await this.#askFor(threadId));
    } catch (thrown) {
      if (!isRefusedByCodex(thrown)) throw thrown;
      const { runtimeThreadId, turnId } = state.get();
      const isOwn = threadId === runtimeThreadId;
      if (isOwn && (turnId !== null || thrown.code === "E_THREAD_BUSY")) throw thrown;
      threads.unload(threadId);
      unloaded(threadId);
      if (isOwn) await this.begin(true);
      else failed(thrown);
    }
  }
}

/** How far a copy goes by what was asked for; undefined where that names what it has not. */
function extentAsked({ beforeTurnId, lastTurnId }: CopyAsked): CopyExtent | undefined {
  if (typeof beforeTurnId === "string") return undefined;
  return typeof lastTurnId === "string" ? { lastTurnId } : {};
}
