import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type AppServerClient, buildInitializeRequestWithCapabilities, type ClientRequestParams } from "../app-server/index.js";
import { CAPABILITIES, DEFAULT_CLIENT_INFO } from "../bridge/handshake.js";
import { type BridgeConfig, type BridgeError, type BridgeHandlers, CodexLocalBridge, type ListedTurn } from "../bridge/index.js";
import { pause, SYSTEM_CLOCK } from "../clock.js";
import { messageOf } from "../coded-error.js";
import { redactMessage } from "../core/bridge.js";
import type { HostActorContext } from "../host/validators.js";
import { type Backlog, Outbox, type OutboxError, stubOf } from "../outbox/index.js";
import { type NormalizedEvent, type RpcId, SERVER_NOTIFICATIONS, type ServerInboundMessage } from "../protocol/index.js";
import type { AppHandlers } from "./app-handlers.js";
import { isNoSuchTurn } from "./codex-commands.js";
import { CodexProcesses } from "./codex-processes.js";
import { ConvexDelivery, isPassing, NO_ROOM } from "./convex-delivery.js";
import { CodexRuntimeError, passedOn } from "./errors.js";
import type { Present } from "./heartbeat.js";
import { LeftTurns } from "./left-turns.js";
import { Ownership } from "./ownership.js";
import { RawLog } from "./raw-log.js";
import { ReadClient, Reading } from "./reading.js";
import { RedactedItems } from "./redacted-items.js";
import { RemoteControl, type RemotePersistence } from "./remote-control.js";
import { ConvexRetry } from "./retry.js";
import { Reverts } from "./reverts.js";
import { SessionRequests } from "./session-requests.js";
import { SessionThreads } from "./session-threads.js";
import type { RuntimeState } from "./state.js";
import { Stopping } from "./stopping.js";
import { agentsIn, LoadedThreads } from "./threads.js";
import type { CodexHostPersistence, CodexHostRuntimeOptions, RuntimeBridge, StartArgs } from "./types.js";
import { WrittenThreads } from "./written-threads.js";

/** Milliseconds that a stop waits for what has happened to arrive. */
export const STOP_FLUSH_MS = 10_000;
/** Milliseconds that a start waits for the deployment to say whose the credential is. */
const OWNER_MS = 3_000;
/** Milliseconds of these that the last beat may take. */
const LAST_BEAT_MS = 1_000;

/** The actor of calls of which the server knows whose they are. */
const NOBODY: HostActorContext = { tenantId: "", userId: "", deviceId: "" };

/** What a session is of, and who is told of it. */
interface SessionParts {
  readonly options: CodexHostRuntimeOptions;
  readonly args: StartArgs;
  readonly state: RuntimeState;
  readonly handlers: AppHandlers;
  /** Another device has the runtime's own thread: the session is to be closed. */
  onLost(error: unknown): void;
}

/** What there is between a start of the runtime and its stop, joined: what codex says goes to the outbox, and whoever minds it sees it. */
export class Session {
  readonly client: AppServerClient;
  readonly threads: SessionThreads;
  /** Those in Convex. */
  readonly written: WrittenThreads;
  readonly requests: SessionRequests;
  readonly stopping: Stopping;
  readonly #parts: SessionParts;
  readonly #actor: HostActorContext;
  readonly #loaded = new LoadedThreads();
  readonly #outbox: Outbox;
  readonly #ownership: Ownership;
  /** Where what is kept in the outbox goes, when that is known to be the caller's. */
  readonly #persistence: CodexHostPersistence;
  readonly #bridge: RuntimeBridge;
  /** Whether what the bridge says is to be without secrets yet: this package's own has taken them out. */
  readonly #redacts: boolean;
  readonly #redactedItems = new RedactedItems();
  readonly #reading = new Reading((isHeld) => this.#bridge.hold?.(isHeld));
  readonly #processes: CodexProcesses;
  readonly #delivery: ConvexDelivery;
  readonly #left: LeftTurns;
  readonly #reverts: Reverts;
  readonly #retry: ConvexRetry;
  readonly #rawLog: RawLog | undefined;
  readonly #remote: RemoteControl | undefined;
  readonly #isOver = new AbortController();
  /** The folder that goes with it, where the app gave none. */
  readonly #temporary: string | undefined;
  /** Another session has the runtime's own thread: it stops. */
  #isLost = false;
  #isBegun = false;
  #isClosing = false;
  #login: NonNullable<Present["login"]> = "unknown";

  private constructor(parts: SessionParts, outbox: Outbox, temporary: string | undefined) {
    const { options, args } = parts;
    const { runtimeId, generation } = outbox;
    this.#parts = parts;
    this.#outbox = outbox;
    this.#temporary = temporary;
    this.#actor = args.actor ?? NOBODY;
    const sessionId = args.sessionId ?? runtimeId;
    const failed = (thrown: unknown) => this.#failed(thrown);
    const onOther = (error: OutboxError) => {
      // A start throws it.
      if (!this.#isBegun) return;
      this.#processes.wentWrong(error);
      failed(error);
      parts.onLost(error);
    };
    this.#ownership = new Ownership(outbox, options.persistence, { actor: args.actor, onOther });
    this.#persistence = this.#ownership.before(options.persistence);
    this.#retry = new ConvexRetry({ isOver: this.#isOver.signal, failed });
    if (options.rawLog !== undefined) {
      this.#rawLog = new RawLog(options.rawLog, (thrown) => failed(new CodexRuntimeError("E_RUNTIME_RAW_LOG", `the raw log ended: ${messageOf(thrown)}`, thrown)));
    }
    const clientInfo = options.clientInfo ?? options.bridge?.clientInfo ?? DEFAULT_CLIENT_INFO;
    const initialize = buildInitializeRequestWithCapabilities("", clientInfo, CAPABILITIES).params;
    const config = { ...options.bridge, ...(args.cwd === undefined ? {} : { cwd: args.cwd }), clientInfo, runtimeId, generation, numbers: outbox.numbers() };
    const make = options.bridgeFactory ?? ((given: BridgeConfig, handlers: BridgeHandlers) => new CodexLocalBridge(given, handlers));
    try {
      this.#bridge = make(config, this.#handlers());
    } catch (thrown) {
      this.#rawLog?.close();
      throw thrown;
    }
    this.#redacts = !(this.#bridge instanceof CodexLocalBridge) && config.redact !== false;
    this.client = new ReadClient(
      this.#reading,
      (message) => this.#bridge.send(message),
      (error) => parts.handlers.lacks(error),
    );
    this.#processes = this.#codexProcesses(initialize);
    const target = { actor: this.#actor, sessionId, runtime: args.runtime, start: { runtimeId, generation }, goesOn: (id: string) => this.#loaded.isLoaded(id), isSame: () => this.#ownership.isSame };
    this.#delivery = new ConvexDelivery(this.#persistence, target, outbox, {
      onBound: (id, threadId) => this.#bound(id, threadId),
      onNoRoom: (error, id) => {
        failed(error);
        if (id === parts.state.get().runtimeThreadId) this.#withoutThread();
      },
      onRoom: () => parts.state.recovered(NO_ROOM),
      // They say nothing of how the runtime stands.
      onNotCopied: (error) => parts.handlers.failed(error),
      onUnlinked: (error) => parts.handlers.failed(error),
    });
    this.#reverts = new Reverts(this.client, failed);
    this.written = this.#writtenThreads(sessionId);
    this.threads = this.#sessionThreads();
    this.requests = this.#sessionRequests();
    this.stopping = new Stopping({
      cancelRequests: (id, turnId) => this.requests.waiting.turnEnded(id, turnId),
      interrupt: (id, turnId) => this.#interrupt(id, turnId),
      othersThatRun: (id) => this.#loaded.othersThatRun(id),
      ...(isGoingOn(options) ? {} : { restart: (id: string, turnId: string, cut: readonly string[]) => this.#startAnew(id, turnId, cut) }),
    });
    this.#left = new LeftTurns({
      client: this.client,
      // Of one that was only taken, no event was seen.
      isOpen: (id, turnId) => outbox.openTurns().get(id)?.includes(turnId) === true || this.#loaded.running(id) === turnId,
      runs: (id, turnId) => this.#turnRuns(id, turnId),
      tell: (id, turn) => {
        this.#bridge.tellTurn?.(id, turn);
        parts.state.settled();
      },
      failed: (thrown) => {
        if (!this.#isClosing) this.#failed(thrown);
      },
    });
    if (isGoingOn(options)) this.#left.leave(outbox.openTurns());
    this.#remote = this.#remoteControl();
    // What was told while the outbox was opened, nobody heard.
    this.#reading.crowded(outbox.isCrowded);
  }

  /** Opens the outbox, which begins to send what waits in it, and makes everything else. @throws OutboxError */
  static async open(parts: SessionParts): Promise<Session> {
    const { outboxFolder } = parts.options;
    const temporary = outboxFolder === undefined ? await mkdtemp(path.join(tmpdir(), "convex-codex-local-")) : undefined;
    try {
      return await Session.#over(parts, outboxFolder ?? temporary ?? "", temporary);
    } catch (thrown) {
      await removeTemporary(temporary);
      throw thrown;
    }
  }

  static async #over(parts: SessionParts, folder: string, temporary: string | undefined): Promise<Session> {
    let session: Session | undefined = undefined;
    const outbox = await Outbox.open({
      folder,
      deliver: async (batch) => (session === undefined ? { type: "again", reason: "not started yet" } : session.written.deliver(batch)),
      onError: (error) => (session === undefined ? parts.handlers.failed(error) : session.written.outboxFailed(error)),
      onCrowded: (isCrowded) => {
        if (session !== undefined) session.#reading.crowded(isCrowded);
      },
      onConnected: (call) => parts.options.persistence.onConnected?.(call) ?? (() => undefined),
      keepsEnded: isGoingOn(parts.options),
    });
    // Of the process before: it says nothing when it dies. Before the numbers of what comes next are taken.
    if (!isGoingOn(parts.options)) outbox.interruptOpenTurns();
    outbox.beginOwn();
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
    return this.#processes.ready;
  }

  /** Starts codex, and asks for the thread of the start. @returns when the process runs @throws CodexRuntimeError where it does not */
  async begin(): Promise<void> {
    await this.#checkOwner();
    await this.#processes.begin(() => this.#settlesOthers(this.threads.begin()));
    this.requests.settleLeft();
    this.written.start();
    this.#remote?.start();
  }

  /** Before codex runs, where the outbox is somebody's and the deployment answers; else when it does. @throws OutboxError `E_OUTBOX_OWNER_MISMATCH` */
  async #checkOwner(): Promise<void> {
    if (this.#outbox.owner !== undefined) {
      const passed = this.#ownership.passed().catch((thrown: unknown) => {
        if (this.#ownership.isOther) throw thrown;
      });
      await Promise.race([passed, pause(SYSTEM_CLOCK, OWNER_MS, this.#isOver.signal)]);
    }
    this.#isBegun = true;
  }

  /** How much waits in the outbox, thread by thread. */
  backlog(): Backlog[] {
    return this.#outbox.backlog();
  }

  /** Ends the process, and waits for what has happened to arrive. @throws what went wrong on the way: the folder is let go all the same */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.written.stop();
    this.#remote?.stopCommands();
    try {
      await this.#settle();
    } finally {
      this.#isOver.abort();
      try {
        // It would become the owner's.
        await this.#outbox.close(this.#ownership.isOthersStart);
      } finally {
        this.#rawLog?.close();
        await removeTemporary(this.#temporary);
      }
    }
  }

  /** Ends the process, and waits a while for what it left to be known in Convex. */
  async #settle(): Promise<void> {
    await this.#processes.stop();
    this.requests.waiting.processEnded();
    const flushMs = this.#ownership.isOther ? 0 : STOP_FLUSH_MS;
    const end = performance.now() + flushMs;
    await this.#outbox.flush(flushMs);
    await Promise.race([this.requests.told, pause(SYSTEM_CLOCK, Math.max(0, end - performance.now()), this.#isOver.signal)]);
    await this.#remote?.stop(LAST_BEAT_MS);
  }

  /** @param initialize said by the bridge, or else by the runtime: once to each process */
  #codexProcesses(initialize: ClientRequestParams<"initialize">): CodexProcesses {
    const { options, state } = this.#parts;
    const { runtimeId, generation } = this.#outbox;
    return new CodexProcesses({
      ...{ bridge: this.#bridge, tellsStart: options.bridgeFactory === undefined, client: this.client, initialize, runtimeId, generation },
      nextGeneration: () => this.#outbox.nextGeneration(),
      started: () => {
        if (this.#remote !== undefined) void this.#askLogin();
      },
      ended: () => {
        this.requests.waiting.processEnded();
        if (isGoingOn(options)) {
          this.#left.leave([...this.#outbox.openTurns(), ...this.#loaded.runningTurns()]);
          return;
        }
        for (const [id, turnId] of this.#loaded.processEnded()) this.#bridge.tellTurn?.(id, interrupted(turnId));
        state.processEnded();
      },
      load: () => this.#settlesOthers(this.threads.loadAgain()),
      refused: () => this.#withoutThread(),
      reconnecting: () => this.#phase("reconnecting"),
      gaveUp: (error) => {
        this.#endLeftTurns();
        this.#phase("failed", error);
      },
      failed: (thrown) => this.#failed(thrown),
    });
  }

  #writtenThreads(sessionId: string): WrittenThreads {
    const { state } = this.#parts;
    return new WrittenThreads({
      ...{ persistence: this.#persistence, actor: this.#actor, sessionId, outbox: this.#outbox, retry: this.#retry, state },
      ...{ delivery: this.#delivery, threads: this.#loaded, reverts: this.#reverts },
      arrived: (batch) => {
        this.requests.arrived(batch);
        this.#remote?.arrived(batch);
      },
      lost: (id, error) => this.#threadLost(id, error),
      takenBack: (id) => this.#remote?.follow(id),
      deleted: (id) => this.requests.threadDeleted(id),
      failed: (error) => this.#failed(error),
    });
  }

  #sessionThreads(): SessionThreads {
    const { args, state } = this.#parts;
    return new SessionThreads({
      ...{ args, state, client: this.client, threads: this.#loaded, delivery: this.#delivery },
      bind: (id) => this.written.bind(id),
      resumes: (id) => this.#left.settle(id),
      loaded: (id) => {
        this.#remote?.follow(id);
        void this.#left.settle(id);
      },
      unloaded: (id) => this.#remote?.unfollow(id),
      goesOn: () => {
        this.#processes.goesOn();
        this.#remote?.changed();
      },
      failed: (thrown) => this.#failed(thrown),
    });
  }

  #sessionRequests(): SessionRequests {
    const { options, state, handlers } = this.#parts;
    return new SessionRequests({
      ...{ persistence: this.#persistence, actor: this.#actor, state, threads: this.#loaded, outbox: this.#outbox },
      // Whoever is told of it may answer it whenever they like. An app-server that was attached to has clients besides: one of them may.
      threadless: handlers.has("onGlobalMessage") ? "waits" : isGoingOn(options) ? "left" : "refused",
      process: () => this.#processes.name,
      bind: (id) => this.#delivery.bind(id),
      threadIdOf: (id) => this.#delivery.threadIdOf(id),
      again: (attempt) => this.#retry.again(attempt, isPassing),
      send: (message) => this.#bridge.send(message),
      refused: ({ method }, why) => this.#failed(new CodexRuntimeError("E_UNSUPPORTED_SERVER_REQUEST", `what codex asked was refused: ${why}`), method),
    });
  }

  #remoteControl(): RemoteControl | undefined {
    const { options, state } = this.#parts;
    const { remote = {} } = options;
    const persistence = this.#persistence;
    if (remote === false || !isRemote(persistence)) return undefined;
    return new RemoteControl({
      persistence,
      codex: {
        ...{ client: this.client, threads: this.#loaded, requests: this.requests.waiting },
        ready: (threadId) => this.#hasThread(threadId),
        stop: (id, turnId, force) => this.stopping.stop(id, turnId, force),
        request: (threadId, name) => this.requests.named(threadId, name),
        isRedacted: (request) => this.#redactedItems.has(request),
      },
      outbox: this.#outbox,
      policy: remote,
      started: () => this.threads.started,
      present: () => ({ phase: this.#isLost ? "failed" : state.get().phase, login: this.#login }),
      // They are tried again, and say nothing of how the runtime stands. That the outbox is another user's was told.
      onError: (thrown) => {
        if (!this.#ownership.isOther) this.#parts.handlers.failed(thrown);
      },
      onRefused: (refused) => this.#parts.handlers.call("onCommandRefused", refused),
      onLost: (id, error) => this.written.lose(id, error),
    });
  }

  #handlers(): BridgeHandlers {
    return {
      onEvent: (event) => this.#takeEvent(this.#withoutSecrets(event)),
      onGlobalMessage: (message) => this.#takeGlobal(message),
      onEventCut: (whole) => this.#outbox.keepAside(this.#withoutSecrets(whole), "E_BRIDGE_EVENT_TOO_LARGE", "over 3 MiB: what stands for it was sent"),
      onProtocolError: ({ line, error }: BridgeError) => {
        this.#processes.wentWrong(new CodexRuntimeError(passedOn(error.code), error.message, error));
        this.#failed(error, this.#redacts ? redactMessage(line) : line);
      },
      ...(this.#rawLog === undefined ? {} : { onLine: (direction, line) => this.#rawLog?.line(direction, line) }),
      onProcessStart: () => this.#processes.spawned(),
      onProcessExit: () => this.#processes.processEnded(),
    };
  }

  #withoutSecrets(event: NormalizedEvent): NormalizedEvent {
    if (!this.#redacts) return event;
    const payloadJson = redactMessage(event.payloadJson);
    return payloadJson === event.payloadJson ? event : { ...event, payloadJson };
  }

  /** A turn runs of whose start this one was not told. */
  #turnRuns(id: string, turnId: string): void {
    this.#loaded.runs(id, turnId);
    this.#parts.state.turnRuns(id, turnId);
    this.#remote?.follow(id);
  }

  /** Resolves when a process has a thread of Convex's. That the runtime's own is refused, or waits for room, says nothing of the others. */
  async #hasThread(threadId: string): Promise<void> {
    const isThere = (): boolean => {
      const id = this.#loaded.idOf(threadId);
      return id !== undefined && id !== this.#parts.state.get().runtimeThreadId && this.#loaded.isLoaded(id) && !this.#processes.isFollowing;
    };
    if (isThere()) return;
    await this.ready.catch((thrown: unknown) => {
      if (!isThere()) throw thrown;
    });
  }

  /** A thread is known in Convex. */
  #bound(id: string, threadId: string): void {
    const before = this.#loaded.inConvex(id);
    // The deployment has that one no more.
    if (before !== undefined && before !== threadId) this.#remote?.unfollow(id);
    this.#loaded.bind(id, threadId);
    this.#parts.state.boundAnew(id, threadId);
    this.#remote?.follow(id);
  }

  /** Behind the loading of threads: of those that are not loaded then, nobody will tell. */
  #settlesOthers(loading: Promise<void>): Promise<void> {
    return loading.finally(() => void this.#left.settleOthers(this.#loaded.list()));
  }

  /** Nobody asks of them any more. */
  #endLeftTurns(): void {
    for (const [threadId, turnIds] of this.#outbox.openTurns()) {
      for (const turnId of turnIds) this.#bridge.tellTurn?.(threadId, interrupted(turnId));
    }
  }

  #takeEvent(event: NormalizedEvent): void {
    // Before the agent's first event may be on its way.
    for (const { id, parentId } of agentsIn(event)) this.#delivery.parent(id, parentId);
    const { threadId, kind, payloadJson } = event;
    // Noted before the event is on the disk: whatever the process ends between, the next one knows of it.
    const isKnown = !Object.hasOwn(SERVER_NOTIFICATIONS, kind) && !this.requests.saw(event);
    if (isKnown) {
      this.#takeRepeat(event);
      return;
    }
    this.#outbox.append(event);
    this.#parts.state.saw(event);
    this.#redactedItems.saw(event);
    const ended = this.#loaded.saw(event);
    for (const turnId of ended) {
      this.#redactedItems.turnEnded(threadId, turnId);
      this.requests.waiting.turnEnded(threadId, turnId);
      this.stopping.turnEnded(threadId, turnId);
    }
    this.#reverts.saw(event);
    if (kind === "serverRequest/resolved") this.requests.waiting.resolved(requestIdOf(payloadJson));
    this.#remote?.saw(event, ended);
    this.#parts.handlers.call("onEvent", event);
  }

  /** What codex asks once more is nothing new; on a stream, its place is taken all the same. */
  #takeRepeat(event: NormalizedEvent): void {
    if (event.streamId !== undefined) this.#outbox.append(stubOf(event));
  }

  #takeGlobal(message: ServerInboundMessage): void {
    if (!this.client.accept(message) && "method" in message) {
      if ("id" in message) this.requests.waiting.asked(message);
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

  async #interrupt(threadId: string, turnId: string): Promise<"sent" | "gone"> {
    const named = this.#loaded.runningAs(threadId, turnId);
    try {
      await this.client.request("turn/interrupt", { threadId, turnId: named });
      return "sent";
    } catch (thrown) {
      if (!isNoSuchTurn(thrown)) throw thrown;
      // What runs here by its word, and there does not, ends: nobody else would tell of it.
      this.#left.leave([[threadId, [named]]]);
      void this.#left.settle(threadId);
      return "gone";
    }
  }

  /** A turn that no interrupt ends is ended with its process. */
  async #startAnew(id: string, turnId: string, cut: readonly string[]): Promise<void> {
    const others = cut.length === 0 ? "" : `, and with it the turns of ${cut.join(", ")}`;
    this.#failed(new CodexRuntimeError("E_RUNTIME_TURN_STUCK", `the turn ${turnId} of ${id} did not end: codex is started anew${others}`));
    await this.#processes.startAnew();
  }

  /** Whoever lost the runtime's own thread to another session stops, and does not fight for it. */
  #threadLost(id: string, error: unknown): void {
    this.#remote?.unfollow(id);
    if (id !== this.#parts.state.get().runtimeThreadId) return;
    this.#isLost = true;
    this.#parts.onLost(error);
  }

  #phase(...phase: Parameters<RuntimeState["phase"]>): void {
    this.#parts.state.phase(...phase);
    this.#remote?.changed();
  }

  #withoutThread(): void {
    this.#parts.state.withoutThread();
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

/** A turn that nobody will say more of. */
function interrupted(turnId: string): ListedTurn {
  return { id: turnId, status: "interrupted", items: [] };
}

async function removeTemporary(folder: string | undefined): Promise<void> {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}

function isRemote(persistence: CodexHostPersistence): persistence is CodexHostPersistence & RemotePersistence {
  return ["leaseCommands", "reportCommand", "followCommands", "beat"].every((name) => name in persistence);
}

function requestIdOf(payloadJson: string): RpcId {
  const { params } = JSON.parse(payloadJson) as { params?: { requestId?: RpcId } };
  return params?.requestId ?? "";
}
