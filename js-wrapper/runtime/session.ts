import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { AppServerClient, AppServerError, buildInitializeRequestWithCapabilities, type ClientRequestParams } from "../app-server/index.js";
import { CAPABILITIES, DEFAULT_CLIENT_INFO } from "../bridge/handshake.js";
import { type BridgeConfig, type BridgeError, type BridgeHandlers, CodexLocalBridge } from "../bridge/index.js";
import { messageOf } from "../bridge/errors.js";
import { isStub } from "../bridge/oversize.js";
import { Backoff, pause, SYSTEM_CLOCK } from "../clock.js";
import type { CodexSettings } from "../core/bridge.js";
import { given } from "../given.js";
import type { HostActorContext } from "../host/validators.js";
import { type Backlog, Outbox, type OutboxBatch, type OutboxError, type Verdict } from "../outbox/index.js";
import { type NormalizedEvent, type RpcId, SERVER_NOTIFICATIONS, type ServerInboundMessage } from "../protocol/index.js";
import type { AppHandlers } from "./app-handlers.js";
import type { RequestName } from "./claimed-command.js";
import { isNoSuchTurn } from "./codex-commands.js";
import { type BoundThread, ConvexDelivery, isNoRoom } from "./convex-delivery.js";
import { codeOf, CodexRuntimeError } from "./errors.js";
import type { Present } from "./heartbeat.js";
import { LeftTurns } from "./left-turns.js";
import { RawLog } from "./raw-log.js";
import { RemoteControl, type RemotePersistence } from "./remote-control.js";
import { isOfProcess, type ProcessName, RequestRecords } from "./request-records.js";
import { type Left, Reverts } from "./reverts.js";
import { SessionBeats } from "./session-beats.js";
import { type ServerRequest, type ServerRequestActions, type ServerRequestEnd, ServerRequests } from "./server-requests.js";
import type { RuntimeState } from "./state.js";
import { type StopOutcome, Stopping } from "./stopping.js";
import { Supervisor } from "./supervisor.js";
import { agentsIn, LoadedThreads, settingsOf } from "./threads.js";
import type { CodexHostPersistence, CodexHostRuntimeOptions, RuntimeBridge, StartArgs } from "./types.js";

/** Milliseconds that a stop waits for what has happened to arrive. */
export const STOP_FLUSH_MS = 10_000;
/** Milliseconds of these that the last beat may take. */
const LAST_BEAT_MS = 1_000;

/** The actor of calls of which the server knows whose they are. */
const NOBODY: HostActorContext = { tenantId: "", userId: "", deviceId: "" };

/** What a session is of, and who is told of it. */
export interface SessionParts {
  readonly options: CodexHostRuntimeOptions;
  readonly args: StartArgs;
  readonly state: RuntimeState;
  readonly handlers: AppHandlers;
  /** Another device has the runtime's own thread: the session is to be closed. */
  onLost(error: unknown): void;
}

/** What codex answers where it has a thread. */
interface ThreadAnswer {
  readonly thread: { readonly id: string; readonly parentThreadId?: string | null };
}

interface Settle {
  resolve(): void;
  reject(error: unknown): void;
}

/** What there is between a start of the runtime and its stop: processes of codex, one after another, and the way to Convex. */
export class Session {
  readonly client: AppServerClient;
  readonly requests: ServerRequests;
  readonly threads = new LoadedThreads();
  readonly #parts: SessionParts;
  readonly #actor: HostActorContext;
  readonly #sessionId: string;
  /** Said by the bridge, or else by the runtime: once to each process. */
  readonly #initialize: ClientRequestParams<"initialize">;
  readonly #outbox: Outbox;
  readonly #bridge: RuntimeBridge;
  readonly #delivery: ConvexDelivery;
  readonly #supervisor: Supervisor;
  readonly #stopping: Stopping;
  readonly #left: LeftTurns;
  readonly #reverts: Reverts;
  readonly #records: RequestRecords;
  readonly #beats: SessionBeats;
  readonly #rawLog: RawLog | undefined;
  readonly #remote: RemoteControl | undefined;
  readonly #isOver = new AbortController();
  /** Threads that another session has, until somebody goes on in them here. */
  readonly #lost = new Set<string>();
  /** Threads that were deleted in Convex, as the outbox holds them to be: nobody is shown what they ask. */
  readonly #deleted = new Set<string>();
  /** The runtime's own is one of them: it stops. */
  #isLost = false;
  /** Threads whose events are not taken for a while. */
  readonly #notTaken = new Set<string>();
  /** The folder that goes with it, where the app gave none. */
  readonly #temporary: string | undefined;
  /** Counts the processes; ids of requests begin anew in each, and so does the generation that its events' ids name. */
  #process = 0;
  #generation: number;
  #isBegun = false;
  #isClosing = false;
  #spawned: Settle | undefined;
  /** Settles `ready` while a process is waited for that is to follow one that ended. */
  #back: Settle | undefined;
  #ready: Promise<void> = Promise.resolve();
  #started: CodexSettings | undefined;
  #login: NonNullable<Present["login"]> = "unknown";

  private constructor(parts: SessionParts, outbox: Outbox, temporary: string | undefined) {
    const { options, args } = parts;
    const { runtimeId, generation } = outbox;
    this.#parts = parts;
    this.#outbox = outbox;
    this.#temporary = temporary;
    this.#actor = args.actor ?? NOBODY;
    this.#sessionId = args.sessionId ?? runtimeId;
    this.#generation = generation;
    const target = { actor: this.#actor, sessionId: this.#sessionId, runtime: args.runtime, start: { runtimeId, generation } };
    this.#delivery = new ConvexDelivery(options.persistence, target, outbox, {
      onBound: (id, threadId) => this.#bound(id, threadId),
      onNoRoom: (error) => this.#failed(error),
      onRoom: () => this.#parts.state.recovered("E_QUOTA"),
      // It says nothing of how the runtime stands.
      onUnlinked: (error) => this.#parts.handlers.failed(error),
    });
    const clientInfo = options.clientInfo ?? options.bridge?.clientInfo ?? DEFAULT_CLIENT_INFO;
    this.#initialize = buildInitializeRequestWithCapabilities("", clientInfo, CAPABILITIES).params;
    const config = { ...options.bridge, ...(args.cwd === undefined ? {} : { cwd: args.cwd }), clientInfo: this.#initialize.clientInfo, runtimeId, generation, numbers: outbox.numbers() };
    const make = options.bridgeFactory ?? ((given: BridgeConfig, handlers: BridgeHandlers) => new CodexLocalBridge(given, handlers));
    if (options.rawLog !== undefined) {
      const ended = (thrown: unknown) => this.#failed(new CodexRuntimeError("E_RUNTIME_RAW_LOG", `the raw log ended: ${messageOf(thrown)}`, thrown));
      this.#rawLog = new RawLog(options.rawLog, ended);
    }
    this.#bridge = make(config, this.#handlers());
    this.client = new AppServerClient((message) => this.#bridge.send(message));
    this.#reverts = new Reverts(this.client, (thrown) => this.#failed(thrown));
    this.#records = new RequestRecords({
      ...{ persistence: options.persistence, actor: this.#actor, process: () => this.#processName() },
      ...{ bind: (id) => this.#delivery.bind(id), again: (attempt) => this.#again(attempt) },
    });
    const actions: ServerRequestActions = {
      send: (message) => this.#bridge.send(message),
      opened: (request) => this.#requestOpened(request),
      closed: (request, end) => this.#requestClosed(request, end),
      refused: ({ method }, why) => this.#failed(new CodexRuntimeError("E_UNSUPPORTED_SERVER_REQUEST", `what codex asked was refused: ${why}`), method),
      now: () => Date.now(),
    };
    // Whoever is told of it may answer it whenever they like. An app-server that was attached to has clients besides: one of them may.
    const isHeard = parts.handlers.has("onGlobalMessage");
    this.requests = new ServerRequests(actions, isHeard ? "waits" : isGoingOn(options) ? "left" : "refused");
    this.#supervisor = new Supervisor({ start: () => this.#restart(), giveUp: () => this.#gaveUp() });
    this.#stopping = new Stopping({
      cancelRequests: (id, turnId) => this.requests.turnEnded(id, turnId),
      interrupt: (id, turnId) => this.#interrupt(id, turnId),
      othersThatRun: (id) => this.threads.othersThatRun(id),
      ...(isGoingOn(options) ? {} : { restart: (id: string, turnId: string, cut: readonly string[]) => this.#startAnew(id, turnId, cut) }),
    });
    this.#left = new LeftTurns(isGoingOn(options) ? outbox.openTurns() : new Map(), {
      client: this.client,
      isOpen: (id, turnId) => outbox.openTurns().get(id)?.includes(turnId) === true,
      runs: (id, turnId) => this.#turnRuns(id, turnId),
      ended: (id, turn) => this.#bridge.endTurn?.(id, turn),
      failed: (thrown) => {
        if (!this.#isClosing) this.#failed(thrown);
      },
    });
    this.#beats = new SessionBeats({
      running: () => this.threads.list().filter((id) => this.threads.running(id) !== undefined),
      beat: (id) => this.#beat(id),
    });
    this.#remote = this.#remoteControl();
    // What was told while the outbox was opened, nobody heard.
    if (outbox.isCrowded) this.#bridge.hold?.(true);
  }

  /** Opens the outbox, which begins to send what waits in it, and makes everything else. @throws OutboxError */
  static async open(parts: SessionParts): Promise<Session> {
    const { outboxFolder } = parts.options;
    const temporary = outboxFolder === undefined ? await mkdtemp(path.join(tmpdir(), "convex-codex-local-")) : undefined;
    let session: Session | undefined = undefined;
    const outbox = await Outbox.open({
      folder: outboxFolder ?? temporary ?? "",
      deliver: async (batch) => (session === undefined ? { type: "again", reason: "not started yet" } : session.#deliver(batch)),
      onError: (error) => (session === undefined ? parts.handlers.failed(error) : session.#outboxFailed(error)),
      onCrowded: (isCrowded) => {
        if (session !== undefined) session.#bridge.hold?.(isCrowded);
      },
      keepsEnded: isGoingOn(parts.options),
    });
    // Of the process before: it says nothing when it dies. Before the numbers of what comes next are taken.
    if (!isGoingOn(parts.options)) outbox.interruptOpenTurns();
    try {
      return (session = new Session(parts, outbox, temporary));
    } catch (thrown) {
      await outbox.close();
      throw thrown;
    }
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Resolves when a process runs and has its threads; rejected where none will. Another promise after each process. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Starts codex, and asks for the thread of the start. @returns when the process runs @throws CodexRuntimeError where it does not */
  async begin(): Promise<void> {
    await this.#startProcess();
    this.#isBegun = true;
    this.#ready = this.#callThread();
    void this.#ready
      .catch((thrown: unknown) => this.#failed(thrown))
      .then(() => this.#left.settleOthers(this.threads.list()));
    this.#beats.start();
    this.#remote?.start();
  }

  /**
   * A thread of the process is the runtime's from here on, where another one was refused too.
   *
   * @returns when Convex has it, or the runtime stops before
   * @throws what Convex refuses it with
   */
  async goOnIn(answer: ThreadAnswer, externalThreadId?: string): Promise<void> {
    const { id } = answer.thread;
    const { state } = this.#parts;
    this.#loaded(answer);
    state.threadKnown(id);
    const bound = await this.#bind(id);
    if (bound === undefined) return;
    state.bound(bound.threadId, bound.externalThreadId ?? externalThreadId);
    this.#supervisor.isReady();
    this.#remote?.changed();
    if (this.#back === undefined) this.#ready = Promise.resolve();
  }

  /** A further thread of the process: its events come, and it is followed from afar; turns go where they went. */
  async goOnBeside(answer: ThreadAnswer): Promise<void> {
    this.#loaded(answer);
    await this.#bind(answer.thread.id);
  }

  /** How much waits in the outbox, thread by thread. */
  backlog(): Backlog[] {
    return this.#outbox.backlog();
  }

  /** Copies a thread's history in Convex into one that was forked from it, before that one's events. @param turnId the last that it has; undefined for all */
  async copyHistory(id: string, forkId: string, turnId?: string): Promise<void> {
    const { persistence } = this.#parts.options;
    if (persistence.forkThread === undefined) return;
    await this.#again(async () => {
      const { threadId } = await this.#delivery.bind(id);
      await persistence.forkThread?.({ actor: this.#actor, threadId, newThreadId: forkId, ...given({ turnId }) });
      this.#delivery.made(forkId, forkId);
    });
  }

  /** Codex took a thread back: so does Convex, behind what had happened in it and before what happens next. */
  async #takeBack(id: string, { lastTurnId }: Left): Promise<void> {
    const { persistence } = this.#parts.options;
    if (persistence.revertThread === undefined) return;
    await this.#again(async () => {
      const { threadId } = await this.#delivery.bind(id);
      await persistence.revertThread?.({ actor: this.#actor, threadId, turnId: lastTurnId ?? null });
    });
  }

  /** Ends a turn, and insists: see {@link Stopping}. */
  stopTurn(id: string, turnId: string, force = false): Promise<StopOutcome> {
    return this.#stopping.stop(id, turnId, force);
  }

  /** Ends the process, and waits for what has happened to arrive. @throws what went wrong on the way: the folder is let go all the same */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#beats.stop();
    this.#remote?.stopCommands();
    this.#supervisor.stop();
    try {
      await this.#settle();
    } finally {
      this.#isOver.abort();
      try {
        await this.#outbox.close();
      } finally {
        this.#rawLog?.close();
        if (this.#temporary !== undefined) await rm(this.#temporary, { recursive: true, force: true });
      }
    }
  }

  /** Ends the process, and waits a while for what it left to be known in Convex. */
  async #settle(): Promise<void> {
    await this.#bridge.stop();
    this.client.rejectAll("the runtime was stopped");
    this.#back?.reject(new CodexRuntimeError("E_RUNTIME_NOT_RUNNING", "the runtime was stopped"));
    this.requests.processEnded();
    const end = performance.now() + STOP_FLUSH_MS;
    await this.#outbox.flush(STOP_FLUSH_MS);
    await Promise.race([this.#records.told, pause(SYSTEM_CLOCK, Math.max(0, end - performance.now()), this.#isOver.signal)]);
    await this.#remote?.stop(LAST_BEAT_MS);
  }

  #remoteControl(): RemoteControl | undefined {
    const { options, state } = this.#parts;
    const { persistence, remote = {} } = options;
    if (remote === false || !isRemote(persistence)) return undefined;
    return new RemoteControl({
      persistence,
      codex: {
        ...{ client: this.client, threads: this.threads, requests: this.requests },
        ready: () => this.#ready,
        stop: (id, turnId, force) => this.stopTurn(id, turnId, force),
        request: (threadId, name) => this.#waitingRequest(threadId, name),
      },
      outbox: this.#outbox,
      policyFile: remote.policyFile,
      started: () => this.#started,
      present: () => ({ phase: this.#isLost ? "failed" : state.get().phase, login: this.#login }),
      // They are tried again, and say nothing of how the runtime stands.
      onError: (thrown) => this.#parts.handlers.failed(thrown),
      onLost: (id, error) => this.#threadLost(id, error),
    });
  }

  #handlers(): BridgeHandlers {
    return {
      onEvent: (event) => this.#takeEvent(event),
      onGlobalMessage: (message) => this.#takeGlobal(message),
      onEventCut: (whole) => this.#outbox.keepAside(whole, "E_BRIDGE_EVENT_TOO_LARGE", "over 3 MiB: what stands for it was sent"),
      onProtocolError: ({ line, error }: BridgeError) => {
        // Why a process could not be started is why the start was not one.
        this.#spawned?.reject(new CodexRuntimeError(error.code, error.message, error));
        this.#failed(error, line);
      },
      ...(this.#rawLog === undefined ? {} : { onLine: (direction, line) => this.#rawLog?.line(direction, line) }),
      onProcessStart: () => this.#spawned?.resolve(),
      onProcessExit: () => this.#processEnded(),
    };
  }

  /** Starts the process. @returns when it runs */
  async #startProcess(): Promise<void> {
    const { options } = this.#parts;
    this.#process += 1;
    // The bridge counts up with every start: what it is given is the first.
    if (this.#process > 1) this.#generation = this.#outbox.nextGeneration();
    const spawned = new Promise<void>((resolve, reject) => {
      this.#spawned = { resolve, reject };
    });
    this.#bridge.start();
    // A bridge of the app's own need not say that it runs.
    if (options.bridgeFactory !== undefined) setImmediate(() => this.#spawned?.resolve());
    await spawned.finally(() => {
      this.#spawned = undefined;
    });
    // Not waited for: what is asked next waits behind it, in the bridge or in the pipe.
    this.client.request("initialize", this.#initialize).catch((thrown: unknown) => this.#failed(thrown));
    this.client.notify("initialized");
    if (this.#remote !== undefined) void this.#askLogin();
  }

  /** Asks for the thread of the start, and binds it. @param isAnew a new one, whatever the start said */
  async #callThread(isAnew = false): Promise<void> {
    const { runtimeThreadId, externalThreadId, model, cwd, approvalPolicy, sandbox, dynamicTools, threadStrategy } = this.#parts.args;
    const strategy = isAnew ? "start" : (threadStrategy ?? (runtimeThreadId === undefined ? "start" : "resume"));
    const shown = given({ model, cwd });
    const fields = { ...shown, ...given({ approvalPolicy, sandbox }) };
    const threadId = runtimeThreadId ?? "";
    const answer = await (strategy === "start"
      ? this.client.request("thread/start", { ...fields, ...given({ dynamicTools }) })
      : strategy === "resume"
        ? this.client.request("thread/resume", { threadId, ...fields })
        : this.client.request("thread/fork", { threadId, ...fields }));
    this.#started = settingsOf(answer);
    this.#delivery.name(answer.thread.id, { ...given({ externalThreadId }), ...shown });
    await this.goOnIn(answer, externalThreadId);
  }

  /** Codex answered that it has a thread. */
  #loaded(answer: ThreadAnswer): void {
    const { id, parentThreadId } = answer.thread;
    const parentId = parentThreadId ?? undefined;
    this.threads.load(id, { settings: settingsOf(answer), parentId });
    if (parentId !== undefined) this.#delivery.parent(id, parentId);
    this.#remote?.follow(id);
    void this.#left.settle(id);
  }

  /** A turn runs of whose start this one was not told. */
  #turnRuns(id: string, turnId: string): void {
    this.threads.runs(id, turnId);
    this.#parts.state.turnRuns(id, turnId);
    this.#remote?.follow(id);
  }

  /** A thread is known in Convex. */
  #bound(id: string, threadId: string): void {
    this.threads.bind(id, threadId);
    this.#remote?.follow(id);
  }

  async #deliver(batch: OutboxBatch): Promise<Verdict> {
    const verdict = await this.#delivery.deliver(batch);
    if (verdict.type === "acknowledged") {
      if (this.#notTaken.delete(batch.threadId) && this.#notTaken.size === 0) this.#parts.state.recovered("E_OUTBOX_NOT_TAKEN");
      const left = await this.#reverts.take(batch.events.at(-1));
      if (left !== undefined) await this.#takeBack(batch.threadId, left);
      this.#beats.arrived(batch.threadId);
      this.#remote?.arrived(batch);
    }
    return verdict;
  }

  /** Refreshes the session of a thread. Why else it failed the outbox is told too, by the next event. */
  async #beat(id: string): Promise<void> {
    const threadId = this.threads.inConvex(id);
    if (threadId === undefined || this.#lost.has(id)) return;
    const session = { actor: this.#actor, sessionId: this.#sessionId, threadId };
    try {
      await this.#parts.options.persistence.heartbeat?.({ ...session, lastEventCursor: 0 });
    } catch (thrown) {
      if (isTaken(thrown)) this.#threadLost(id, thrown);
      else throw thrown;
    }
  }

  #takeEvent(event: NormalizedEvent): void {
    // Before the agent's first event may be on its way.
    for (const { id, parentId } of agentsIn(event)) this.#delivery.parent(id, parentId);
    this.#outbox.append(event);
    this.#parts.state.saw(event);
    const { threadId, kind, payloadJson } = event;
    const ended = this.threads.saw(event);
    for (const turnId of ended) {
      this.requests.turnEnded(threadId, turnId);
      this.#stopping.turnEnded(threadId, turnId);
    }
    this.#reverts.saw(event);
    if (kind === "serverRequest/resolved") this.requests.resolved(requestIdOf(payloadJson));
    else if (!Object.hasOwn(SERVER_NOTIFICATIONS, kind)) this.#takeRequest(event);
    this.#remote?.saw(event, ended);
    this.#parts.handlers.call("onEvent", event);
  }

  /** A message of a thread that wants an answer is a request. */
  #takeRequest({ kind, threadId, payloadJson }: NormalizedEvent): void {
    const message = JSON.parse(payloadJson) as { id?: RpcId; params?: unknown };
    const { id, params } = message;
    if (id === undefined) return;
    this.requests.asked({ id, method: kind, params }, { threadId, payloadJson });
    // Nobody can be shown what it asks.
    if (isStub(message) || this.#deleted.has(threadId)) this.requests.withdraw(id);
  }

  #takeGlobal(message: ServerInboundMessage): void {
    if (!this.client.accept(message) && "method" in message) {
      if ("id" in message) this.requests.asked(message);
      else if (message.method === "account/updated" && this.#remote !== undefined) void this.#askLogin();
    }
    this.#parts.handlers.call("onGlobalMessage", message);
  }

  /** Whether codex is logged in, as far as it says so. */
  async #askLogin(): Promise<void> {
    try {
      const { account, requiresOpenaiAuth } = await this.client.request("account/read", {});
      this.#login = account !== null || !requiresOpenaiAuth ? "in" : "out";
    } catch {
      this.#login = "unknown";
    }
    this.#remote?.changed();
  }

  #processEnded(): void {
    this.#spawned?.reject(new CodexRuntimeError("E_BRIDGE_PROCESS_EXITED", "codex ended at once"));
    this.client.rejectAll("codex ended");
    this.requests.processEnded();
    this.#parts.state.processEnded();
    if (this.#isClosing || !this.#isBegun) return;
    if (this.#back === undefined) {
      this.#ready = new Promise((resolve, reject) => {
        this.#back = { resolve, reject };
      });
      // Whoever waits for it is told.
      this.#ready.catch(() => undefined);
    }
    if (this.#supervisor.ended()) this.#phase("reconnecting");
  }

  #gaveUp(): void {
    const error = new CodexRuntimeError("E_RUNTIME_GAVE_UP", "codex ended 10 times in 5 minutes");
    this.#back?.reject(error);
    this.#phase("failed", error);
  }

  #restart(): void {
    const start = async (): Promise<void> => {
      await this.#startProcess();
      const threads = this.threads.list();
      if (threads.length === 0) return this.#callThread();
      let refused: AppServerError | undefined;
      for (const threadId of threads) {
        await this.#resume(threadId).catch((thrown: unknown) => {
          if (!isRefusal(thrown)) throw thrown;
          refused ??= thrown;
        });
      }
      // The runtime's own: the others are there all the same.
      if (refused !== undefined) throw refused;
      this.#supervisor.isReady();
      this.#phase("ready");
    };
    start().then(
      () => {
        this.#back?.resolve();
        this.#back = undefined;
      },
      (thrown: unknown) => {
        this.#failed(thrown);
        // A process that died is followed by another, and so is one that does not answer.
        if (codeOf(thrown) === "E_APP_SERVER_TIMEOUT") void this.#bridge.stop();
        // What was refused stays so, until the runtime goes on in a thread.
        if (!isRefusal(thrown) && !isOfConvex(thrown)) return;
        this.#back?.reject(thrown);
        this.#back = undefined;
      },
    );
  }

  /**
   * A thread that codex has no more, or that another codex writes, is let go; the runtime's own is begun anew where nothing had happened in it,
   * for then codex kept nothing. @throws what refuses the runtime's own
   */
  async #resume(threadId: string): Promise<void> {
    try {
      this.#loaded(await this.client.request("thread/resume", { threadId }));
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      const { runtimeThreadId, turnId } = this.#parts.state.get();
      const isOwn = threadId === runtimeThreadId;
      if (isOwn && (turnId !== null || thrown.code === "E_THREAD_BUSY")) throw thrown;
      this.threads.unload(threadId);
      this.#remote?.unfollow(threadId);
      if (isOwn) await this.#callThread(true);
      else this.#failed(thrown);
    }
  }

  async #interrupt(threadId: string, turnId: string): Promise<"sent" | "gone"> {
    try {
      await this.client.request("turn/interrupt", { threadId, turnId: this.threads.runningAs(threadId, turnId) });
      return "sent";
    } catch (thrown) {
      if (isNoSuchTurn(thrown)) return "gone";
      throw thrown;
    }
  }

  /** A turn that no interrupt ends is ended with its process. */
  async #startAnew(id: string, turnId: string, cut: readonly string[]): Promise<void> {
    const others = cut.length === 0 ? "" : `, and with it the turns of ${cut.join(", ")}`;
    this.#failed(new CodexRuntimeError("E_RUNTIME_TURN_STUCK", `the turn ${turnId} of ${id} did not end: codex is started anew${others}`));
    await this.#bridge.stop();
    await this.#ready;
  }

  #outboxFailed(error: OutboxError): void {
    // Told by whoever found it first.
    if (isTaken(error) && error.threadId !== undefined && this.#lost.has(error.threadId)) return;
    this.#failed(error);
    if (error.code === "E_OUTBOX_NOT_TAKEN" && error.threadId !== undefined) this.#notTaken.add(error.threadId);
    if (isTaken(error) && error.threadId !== undefined) this.#threadLost(error.threadId, error);
    if (error.code === "E_THREAD_DELETED" && error.threadId !== undefined) this.#threadDeleted(error.threadId);
  }

  /** What a thread asks that is no more, nobody will decide. */
  #threadDeleted(id: string): void {
    this.#deleted.add(id);
    for (const request of this.requests.list(id)) this.requests.withdraw(request.id);
  }

  /** Whoever lost the runtime's own thread to another session stops, and does not fight for it. What waits is in the outbox. */
  #threadLost(id: string, error: unknown): void {
    this.#lost.add(id);
    this.#remote?.unfollow(id);
    if (id !== this.#parts.state.get().runtimeThreadId) return;
    this.#isLost = true;
    this.#parts.onLost(error);
  }

  /** The request that waits under a name; ids count from 0 in every process. */
  #waitingRequest(threadId: string, name: RequestName): ServerRequest | undefined {
    const asked = this.requests.get(name.requestId);
    const isIt = asked?.threadId !== undefined && isOfProcess(name, this.#processName()) && this.threads.inConvex(asked.threadId) === threadId;
    return isIt ? asked : undefined;
  }

  #requestOpened(request: ServerRequest): void {
    this.#parts.state.waiting(this.requests.list().length);
    if (this.#isRecorded(request)) this.#records.opened(request);
  }

  #requestClosed(request: ServerRequest, end: ServerRequestEnd): void {
    this.#parts.state.waiting(this.requests.list().length);
    if (this.#isRecorded(request)) this.#records.closed(request, end);
  }

  #isRecorded({ threadId }: ServerRequest): boolean {
    return threadId === undefined || !this.#deleted.has(threadId);
  }

  #processName(): ProcessName {
    return { runtimeId: this.#outbox.runtimeId, generation: this.#generation, appGeneration: this.#process };
  }

  /** As {@link #insist}; what Convex refuses is told, and let be. */
  async #again<Value>(attempt: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await this.#insist(attempt);
    } catch (thrown) {
      this.#failed(thrown);
      return undefined;
    }
  }

  /**
   * A thread in Convex, when it is there; room for it is waited for. One that another session has is this one's again: somebody goes on in
   * it here.
   *
   * @throws what Convex refuses it with else
   */
  async #bind(id: string): Promise<BoundThread | undefined> {
    const bound = await this.#insist(() => this.#delivery.bind(id), isNoRoom);
    if (bound !== undefined && this.#lost.has(id) && (await this.#insist(() => this.#delivery.take(id).then(() => true)))) {
      this.#lost.delete(id);
      this.#outbox.resume(id);
      this.#remote?.follow(id);
    }
    return bound;
  }

  /**
   * Tries something until it succeeds; undefined where the runtime stops before.
   *
   * @param isWaitedFor whether a refusal will pass, and was told
   * @throws what Convex refuses it with
   */
  async #insist<Value>(attempt: () => Promise<Value>, isWaitedFor: (thrown: unknown) => boolean = () => false): Promise<Value | undefined> {
    const backoff = new Backoff(SYSTEM_CLOCK);
    while (!this.#isOver.signal.aborted) {
      try {
        return await attempt();
      } catch (thrown) {
        if (!isWaitedFor(thrown)) {
          if (isOfConvex(thrown)) throw thrown;
          this.#failed(thrown);
        }
        if (!(await pause(SYSTEM_CLOCK, backoff.next(), this.#isOver.signal))) return undefined;
      }
    }
    return undefined;
  }

  #phase(...phase: Parameters<RuntimeState["phase"]>): void {
    this.#parts.state.phase(...phase);
    this.#remote?.changed();
  }

  #failed(thrown: unknown, line?: string): void {
    this.#parts.state.failed(thrown);
    this.#parts.handlers.failed(thrown, line);
  }
}

/** Whether the app-server is somebody else's, and goes on with its turns when the runtime ends. */
function isGoingOn({ bridge }: CodexHostRuntimeOptions): boolean {
  return bridge?.attach !== undefined;
}

/** Whether codex answered, with an error. */
function isRefusal(thrown: unknown): thrown is AppServerError {
  return thrown instanceof AppServerError && thrown.rpc !== undefined;
}

/** Whether Convex said why not. */
function isOfConvex(thrown: unknown): boolean {
  return thrown !== null && typeof thrown === "object" && "data" in thrown;
}

/** Whether another session has the thread. */
function isTaken(thrown: unknown): boolean {
  return codeOf(thrown) === "E_SYNC_SESSION_DEVICE_MISMATCH";
}

function isRemote(persistence: CodexHostPersistence): persistence is CodexHostPersistence & RemotePersistence {
  return ["leaseCommands", "reportCommand", "followCommands", "beat"].every((name) => name in persistence);
}

function requestIdOf(payloadJson: string): RpcId {
  const { params } = JSON.parse(payloadJson) as { params?: { requestId?: RpcId } };
  return params?.requestId ?? "";
}
