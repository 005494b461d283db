import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  AppServerClient,
  AppServerError,
  buildCommandExecutionApprovalResponse,
  buildDynamicToolCallResponse,
  buildFileChangeApprovalResponse,
  buildInitializeRequestWithCapabilities,
  buildToolRequestUserInputResponse,
  type ClientRequestParams,
  type ClientRequestResult,
  type LegacyChatgptAuthTokens,
} from "../app-server/index.js";
import { messageOf } from "../bridge/errors.js";
import { CAPABILITIES, DEFAULT_CLIENT_INFO } from "../bridge/handshake.js";
import { type BridgeConfig, type BridgeError, type BridgeHandlers, CodexBridgeError, CodexLocalBridge } from "../bridge/index.js";
import { Outbox, type OutboxError } from "../outbox/index.js";
import type {
  ChatgptAuthTokensRefreshResponse,
  CommandExecutionApprovalDecision,
  DynamicToolCallResponse,
  FileChangeApprovalDecision,
  ToolRequestUserInputResponse,
} from "../protocol/generated/types.js";
import { type NormalizedEvent, type RpcId, SERVER_NOTIFICATIONS, type ServerInboundMessage } from "../protocol/index.js";
import { AppServerCalls, assertThreadId } from "./app-server-calls.js";
import { Backoff, pause, SYSTEM_CLOCK } from "../clock.js";
import { ConvexDelivery } from "./convex-delivery.js";
import { CodexRuntimeError, codeOf } from "./errors.js";
import { type ServerRequest, type ServerRequestEnd, ServerRequests } from "./server-requests.js";
import { RuntimeState } from "./state.js";
import { Supervisor } from "./supervisor.js";
import type { CodexHostRuntimeOptions, CodexHostState, RuntimeBridge, StartArgs } from "./types.js";

/** Milliseconds that stop() waits for what has happened to arrive. */
export const STOP_FLUSH_MS = 10_000;

interface Settle {
  resolve(): void;
  reject(error: unknown): void;
}

/** What there is between a start and its stop. */
interface Session {
  readonly args: StartArgs;
  readonly outbox: Outbox;
  readonly bridge: RuntimeBridge;
  readonly client: AppServerClient;
  readonly delivery: ConvexDelivery;
  readonly requests: ServerRequests;
  readonly supervisor: Supervisor;
  /** Threads that the process has loaded, by the app-server's ids. */
  readonly loaded: Set<string>;
  readonly isOver: AbortController;
  /** The folder that goes with it, where the app gave none. */
  readonly temporary: string | undefined;
  /** Counts the processes. */
  process: number;
  isStopping: boolean;
  spawned: Settle | undefined;
  /** Settles `ready` while a process is waited for that is to follow one that died. */
  back: Settle | undefined;
  /** What is told of requests, in order. */
  told: Promise<void>;
  ready: Promise<void>;
}

/**
 * Keeps a local Codex and a thread in Convex together: it runs the app-server, starts it again when it dies, and brings everything
 * that happens in any of its threads into Convex, in order, once in effect.
 *
 * @example
 * ```ts
 * const runtime = createCodexHostRuntime({
 *   persistence: createConvexPersistence(new ConvexClient(url), api.chat, { deviceToken }),
 *   bridge: { cwd: process.cwd() },
 *   outboxFolder: path.join(homedir(), ".my-app", "outbox"),
 * });
 * await runtime.start({ actor, sessionId, externalThreadId: "my-thread" });
 * runtime.sendTurn("What does this project do?");
 * ```
 */
export class CodexHostRuntime extends AppServerCalls {
  readonly #options: CodexHostRuntimeOptions;
  readonly #state: RuntimeState;
  #session: Session | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  /** Counts the calls of stop(): a start that one came after is none. */
  #stops = 0;

  /** @param options where everything is kept, and how codex is run */
  constructor(options: CodexHostRuntimeOptions) {
    super();
    this.#options = options;
    this.#state = new RuntimeState((state) => this.#guard("onState", () => options.handlers?.onState?.(state)));
  }

  /**
   * Starts codex and a thread of it. A start during a stop waits for that.
   *
   * @returns when the process runs and was asked for its thread; {@link ready} waits for the answers
   * @throws CodexRuntimeError `E_RUNTIME_RUNNING`, `E_RUNTIME_NOT_RUNNING` where it was stopped before it began, or the code with which the
   *   process could not be started; OutboxError. Then nothing is left of it
   */
  async start(args: StartArgs): Promise<void> {
    const isStarted = this.#session !== undefined && this.#stopping === undefined;
    if (isStarted || this.#starting !== undefined) throw new CodexRuntimeError("E_RUNTIME_RUNNING", "the runtime is started already");
    this.#starting = this.#begin(args, this.#stops).finally(() => {
      this.#starting = undefined;
    });
    await this.#starting;
  }

  /**
   * Waits until the thread of the last start is known, in Codex and in Convex.
   *
   * @throws what Codex or Convex refused it with; CodexRuntimeError `E_RUNTIME_NOT_RUNNING`
   */
  async ready(): Promise<void> {
    await this.#running().ready;
  }

  /**
   * Ends the process, and waits up to 10 s for what has happened to arrive. What has not is in the outbox, and arrives after the next
   * start, unless that was a temporary one.
   *
   * @returns a promise that always resolves; the same one for every call during the same stop
   */
  stop(): Promise<void> {
    this.#stops += 1;
    this.#stopping ??= this.#end().finally(() => {
      this.#stopping = undefined;
    });
    return this.#stopping;
  }

  /** Begins a turn, as soon as the thread is there. What is refused is told to onProtocolError. */
  sendTurn(text: string): void {
    const session = this.#running();
    const input = [{ type: "text" as const, text: text.toWellFormed(), text_elements: [] }];
    this.#unwaited(session.ready.then(() => session.client.request("turn/start", { threadId: this.#thread(), input })));
  }

  /** Ends the turn that runs; without one it does nothing. */
  interrupt(): void {
    const { turnId, turnInFlight } = this.getState();
    if (turnId === null || !turnInFlight) return;
    this.#unwaited(this.#running().client.request("turn/interrupt", { threadId: this.#thread(), turnId }));
  }

  /**
   * Goes on in another thread of the app-server's: turns are sent to it from here on, and the state is its. Each thread's events go into
   * its own thread in Convex, before and after.
   */
  async resumeThread(threadId: string, params: Omit<ClientRequestParams<"thread/resume">, "threadId"> = {}): Promise<ClientRequestResult<"thread/resume">> {
    assertThreadId(threadId);
    return await this.#switch(this.#running(), await this.appServer.request("thread/resume", { threadId, ...params }));
  }

  /** Copies a thread, and goes on in the copy, as {@link resumeThread} does. */
  async forkThread(threadId: string, params: Omit<ClientRequestParams<"thread/fork">, "threadId"> = {}): Promise<ClientRequestResult<"thread/fork">> {
    assertThreadId(threadId);
    return await this.#switch(this.#running(), await this.appServer.request("thread/fork", { threadId, ...params }));
  }

  /** Requests of the app-server that wait for an answer; of one of its threads, or all. */
  listPendingServerRequests(threadId?: string): ServerRequest[] {
    return this.#running().requests.list(threadId);
  }

  /** Decides whether a command may run. @throws as {@link respond} */
  respondCommandApproval({ requestId, decision }: { requestId: RpcId; decision: CommandExecutionApprovalDecision }): void {
    this.respond(requestId, buildCommandExecutionApprovalResponse(requestId, decision).result);
  }

  /** Decides whether files may be changed. @throws as {@link respond} */
  respondFileChangeApproval({ requestId, decision }: { requestId: RpcId; decision: FileChangeApprovalDecision }): void {
    this.respond(requestId, buildFileChangeApprovalResponse(requestId, decision).result);
  }

  /** Answers questions to the user. @throws as {@link respond} */
  respondToolUserInput({ requestId, answers }: { requestId: RpcId; answers: ToolRequestUserInputResponse["answers"] }): void {
    this.respond(requestId, buildToolRequestUserInputResponse(requestId, answers).result);
  }

  /** Answers the call of a tool that the client brought itself. @throws as {@link respond} */
  respondDynamicToolCall({ requestId, ...answer }: { requestId: RpcId } & DynamicToolCallResponse): void {
    this.respond(requestId, buildDynamicToolCallResponse(requestId, answer).result);
  }

  /** Hands over new tokens: what the version wants, `{accessToken, chatgptAccountId, chatgptPlanType}` in the pinned one. @throws as {@link respond} */
  respondChatgptAuthTokensRefresh({ requestId, ...tokens }: { requestId: RpcId } & (ChatgptAuthTokensRefreshResponse | LegacyChatgptAuthTokens)): void {
    this.respond(requestId, tokens);
  }

  /**
   * Answers a request of the app-server.
   *
   * @param result as the app-server wants it: see `answers` of `./app-server`
   * @throws CodexRuntimeError `E_SERVER_REQUEST_NOT_PENDING` where it waits no longer
   */
  respond(requestId: RpcId, result: unknown): void {
    if (this.#running().requests.answer(requestId, result)) return;
    throw new CodexRuntimeError("E_SERVER_REQUEST_NOT_PENDING", `the request ${String(requestId)} waits no longer`);
  }

  /** How it stands. */
  getState(): CodexHostState {
    return this.#state.get();
  }

  /**
   * Tells of every change.
   *
   * @returns what ends that
   */
  subscribe(listener: (state: CodexHostState) => void): () => void {
    return this.#state.subscribe(listener);
  }

  /** What the app-server is asked with, for everything that has no name here. @throws CodexRuntimeError `E_RUNTIME_NOT_RUNNING` */
  override get appServer(): AppServerClient {
    return this.#running().client;
  }

  async #begin(args: StartArgs, stops: number): Promise<void> {
    await this.#stopping;
    if (this.#stops !== stops) throw new CodexRuntimeError("E_RUNTIME_NOT_RUNNING", "the runtime was stopped meanwhile");
    this.#state.begin(args.externalThreadId);
    const session = await this.#open(args);
    this.#session = session;
    // Of the process before: it says nothing when it dies.
    session.outbox.interruptOpenTurns();
    try {
      await this.#startProcess(session);
    } catch (thrown) {
      await this.#close(session);
      this.#state.phase("failed", thrown);
      throw thrown;
    }
    session.ready = this.#callThread(session);
    session.ready.catch((thrown: unknown) => this.#failed(thrown));
  }

  async #open(args: StartArgs): Promise<Session> {
    const { persistence, outboxFolder } = this.#options;
    const temporary = outboxFolder === undefined ? await mkdtemp(path.join(tmpdir(), "convex-codex-local-")) : undefined;
    let session: Session | undefined = undefined;
    const outbox = await Outbox.open({
      folder: outboxFolder ?? temporary ?? "",
      deliver: (batch) => session?.delivery.deliver(batch) ?? Promise.resolve({ type: "again", reason: "not started yet" }),
      onError: (error) => this.#outboxFailed(error),
      onCrowded: (isCrowded) => session?.bridge.hold?.(isCrowded),
    });
    const { runtimeId, generation } = outbox;
    const target = { actor: args.actor, sessionId: args.sessionId, runtime: args.runtime, start: { runtimeId, generation } };
    const config = { ...this.#options.bridge, ...(args.cwd === undefined ? {} : { cwd: args.cwd }), runtimeId, generation, numbers: outbox.numbers() };
    const make = this.#options.bridgeFactory ?? ((given: BridgeConfig, handlers: BridgeHandlers) => new CodexLocalBridge(given, handlers));
    const made: Session = {
      ...{ args, outbox, temporary, loaded: new Set<string>(), isOver: new AbortController(), process: 0, isStopping: false },
      ...{ spawned: undefined, back: undefined, told: Promise.resolve(), ready: Promise.resolve() },
      delivery: new ConvexDelivery(persistence, target, outbox),
      bridge: make(config, this.#handlers(() => made)),
      client: new AppServerClient((message) => made.bridge.send(message)),
      requests: new ServerRequests({
        send: (message) => made.bridge.send(message),
        opened: (request) => this.#requestOpened(made, request),
        closed: (request, end) => this.#requestClosed(made, request, end),
        unknown: ({ method }) => this.#failed(new CodexRuntimeError("E_UNSUPPORTED_SERVER_REQUEST", `\`${method}\` was refused: nobody here knows it`), method),
        now: () => Date.now(),
      }),
      supervisor: new Supervisor({ start: () => this.#restart(made), giveUp: () => this.#gaveUp(made) }),
    };
    session = made;
    // What was told while it was opened, nobody heard.
    if (outbox.isCrowded) made.bridge.hold?.(true);
    return made;
  }

  #handlers(session: () => Session): BridgeHandlers {
    return {
      onEvent: (event) => this.#takeEvent(session(), event),
      onGlobalMessage: (message) => this.#takeGlobal(session(), message),
      onProtocolError: ({ line, error }: BridgeError) => {
        // Why a process could not be started is why the start was not one.
        session().spawned?.reject(new CodexRuntimeError(error.code, error.message, error));
        this.#failed(error, line);
      },
      onProcessStart: () => session().spawned?.resolve(),
      onProcessExit: () => this.#processEnded(session()),
    };
  }

  /** Starts the process. @returns when it runs */
  async #startProcess(session: Session): Promise<void> {
    session.process += 1;
    const spawned = new Promise<void>((resolve, reject) => {
      session.spawned = { resolve, reject };
    });
    session.bridge.start();
    // A bridge of the app's own need not say that it runs.
    if (this.#options.bridgeFactory !== undefined) setImmediate(() => session.spawned?.resolve());
    await spawned.finally(() => {
      session.spawned = undefined;
    });
    // Not waited for: what is asked next waits behind it, in the bridge or in the pipe.
    const { clientInfo = DEFAULT_CLIENT_INFO } = this.#options;
    const { params } = buildInitializeRequestWithCapabilities("", clientInfo, CAPABILITIES);
    this.#unwaited(session.client.request("initialize", params));
    session.client.notify("initialized");
  }

  /** Asks for the thread of the start, and binds it. */
  async #callThread(session: Session): Promise<void> {
    const { client, delivery, args } = session;
    const { runtimeThreadId, externalThreadId, model, cwd, dynamicTools } = args;
    const strategy = args.threadStrategy ?? (runtimeThreadId === undefined ? "start" : "resume");
    const fields = { ...(model === undefined ? {} : { model }), ...(cwd === undefined ? {} : { cwd }) };
    const threadId = runtimeThreadId ?? "";
    const answered =
      strategy === "start"
        ? client.request("thread/start", { ...fields, ...(dynamicTools === undefined ? {} : { dynamicTools }) })
        : strategy === "resume"
          ? client.request("thread/resume", { threadId, ...fields })
          : client.request("thread/fork", { threadId, ...fields });
    const { thread } = await answered;
    delivery.name(thread.id, { ...(externalThreadId === undefined ? {} : { externalThreadId }), ...fields });
    if (await this.#goOnIn(session, thread.id, externalThreadId)) session.supervisor.isReady();
  }

  async #switch<Answer extends { thread: { id: string } }>(session: Session, answer: Answer): Promise<Answer> {
    await this.#goOnIn(session, answer.thread.id);
    return answer;
  }

  /** A thread of the process is the runtime's from here on. @returns whether Convex has it too; not where the runtime stops before */
  async #goOnIn(session: Session, threadId: string, externalThreadId?: string): Promise<boolean> {
    session.loaded.add(threadId);
    this.#state.threadKnown(threadId);
    const bound = await this.#again(session, () => session.delivery.bind(threadId));
    if (bound !== undefined) this.#state.bound(bound.threadId, bound.externalThreadId ?? externalThreadId);
    return bound !== undefined;
  }

  #takeEvent(session: Session, event: NormalizedEvent): void {
    session.outbox.append(event);
    this.#state.saw(event);
    const { threadId, turnId, kind, payloadJson } = event;
    if (kind === "turn/completed" && turnId !== undefined) session.requests.turnEnded(threadId, turnId);
    else if (kind === "thread/started") session.loaded.add(threadId);
    else if (kind === "thread/closed" || kind === "thread/archived" || kind === "thread/deleted") session.loaded.delete(threadId);
    else if (kind === "serverRequest/resolved") session.requests.resolved(requestIdOf(payloadJson));
    else if (!Object.hasOwn(SERVER_NOTIFICATIONS, kind)) this.#takeRequest(session, event);
    this.#guard("onEvent", () => this.#options.handlers?.onEvent?.(event));
  }

  /** A message of a thread that wants an answer is a request. */
  #takeRequest({ requests }: Session, { kind, threadId, payloadJson }: NormalizedEvent): void {
    const { id, params } = JSON.parse(payloadJson) as { id?: RpcId; params?: unknown };
    if (id !== undefined) requests.asked({ id, method: kind, params }, threadId);
  }

  #takeGlobal(session: Session, message: ServerInboundMessage): void {
    if (!session.client.accept(message) && "method" in message && "id" in message) session.requests.asked(message);
    this.#guard("onGlobalMessage", () => this.#options.handlers?.onGlobalMessage?.(message));
  }

  #processEnded(session: Session): void {
    session.spawned?.reject(new CodexRuntimeError("E_BRIDGE_PROCESS_EXITED", "codex ended at once"));
    session.client.rejectAll("codex ended");
    session.requests.processEnded();
    this.#state.processEnded();
    if (session.isStopping || this.#session !== session || this.#starting !== undefined) return;
    if (session.back === undefined) {
      session.ready = new Promise((resolve, reject) => {
        session.back = { resolve, reject };
      });
      // Whoever waits for it is told.
      session.ready.catch(() => undefined);
    }
    if (session.supervisor.ended()) this.#state.phase("reconnecting");
  }

  #gaveUp(session: Session): void {
    const error = new CodexRuntimeError("E_RUNTIME_GAVE_UP", "codex ended 10 times in 5 minutes");
    session.back?.reject(error);
    this.#state.phase("failed", error);
  }

  #restart(session: Session): void {
    const start = async (): Promise<void> => {
      await this.#startProcess(session);
      const threads = [...session.loaded];
      if (threads.length === 0) return this.#callThread(session);
      for (const threadId of threads) await session.client.request("thread/resume", { threadId });
      session.supervisor.isReady();
      this.#state.phase("ready");
    };
    start().then(
      () => {
        session.back?.resolve();
        session.back = undefined;
      },
      (thrown: unknown) => {
        this.#failed(thrown);
        // A process that died is followed by another; what was refused stays so.
        if (thrown instanceof AppServerError && thrown.rpc !== undefined) session.back?.reject(thrown);
      },
    );
  }

  /** Whoever lost the runtime's own thread to another session stops, and does not fight for it. What waits is in the outbox. */
  #outboxFailed(error: OutboxError): void {
    this.#failed(error);
    const isTaken = error.code === "E_SYNC_SESSION_DEVICE_MISMATCH" && error.threadId === this.getState().runtimeThreadId;
    if (isTaken) void this.stop().then(() => this.#state.phase("failed", error));
  }

  #requestOpened(session: Session, request: ServerRequest): void {
    this.#state.waiting(session.requests.list().length);
    const { threadId, turnId = "", itemId = "", id, method, params, askedAt } = request;
    if (threadId === undefined) return;
    const payloadJson = JSON.stringify({ method, id, params });
    this.#tell(session, threadId, (inConvex, process) =>
      this.#options.persistence.upsertPendingServerRequest({
        actor: session.args.actor,
        request: { threadId: inConvex, requestId: id, turnId, itemId, method, payloadJson, requestedAt: askedAt, ...process },
      }),
    );
  }

  #requestClosed(session: Session, request: ServerRequest, end: ServerRequestEnd): void {
    this.#state.waiting(session.requests.list().length);
    const { threadId, id } = request;
    if (threadId === undefined) return;
    const resolvedAt = Date.now();
    const response = end.type === "answered" ? { status: end.type, responseJson: JSON.stringify(end.result) } : { status: end.type };
    this.#tell(session, threadId, (inConvex, process) =>
      this.#options.persistence.resolvePendingServerRequest({ actor: session.args.actor, threadId: inConvex, requestId: id, resolvedAt, ...response, ...process }),
    );
  }

  /** Tells Convex of a request, behind what was told before; without end, until it is told or refused. */
  #tell(session: Session, localThreadId: string, tell: (threadId: string, process: ProcessName) => Promise<unknown>): void {
    const { runtimeId, generation } = session.outbox;
    const process = { runtimeId, generation, appGeneration: session.process };
    session.told = session.told.then(async () => {
      await this.#again(session, async () => tell((await session.delivery.bind(localThreadId)).threadId, process));
    });
  }

  /** Tries something until it succeeds; undefined where the runtime stops before. What Convex refuses is told, and let be. */
  async #again<Value>(session: Session, attempt: () => Promise<Value>): Promise<Value | undefined> {
    const backoff = new Backoff(SYSTEM_CLOCK);
    while (!session.isOver.signal.aborted) {
      try {
        return await attempt();
      } catch (thrown) {
        const isRefused = thrown !== null && typeof thrown === "object" && "data" in thrown;
        this.#failed(thrown);
        if (isRefused || !(await pause(SYSTEM_CLOCK, backoff.next(), session.isOver.signal))) return undefined;
      }
    }
    return undefined;
  }

  async #end(): Promise<void> {
    // A start that waits for this stop is none: it says so itself.
    if (this.#session === undefined) await this.#starting?.catch(() => undefined);
    const session = this.#session;
    if (session === undefined) return;
    this.#state.phase("stopping");
    await this.#close(session);
    this.#state.phase("idle");
  }

  async #close(session: Session): Promise<void> {
    session.isStopping = true;
    session.supervisor.stop();
    await session.bridge.stop();
    session.client.rejectAll("the runtime was stopped");
    session.back?.reject(new CodexRuntimeError("E_RUNTIME_NOT_RUNNING", "the runtime was stopped"));
    session.requests.processEnded();
    const end = Date.now() + STOP_FLUSH_MS;
    await session.outbox.flush(STOP_FLUSH_MS);
    await Promise.race([session.told, pause(SYSTEM_CLOCK, Math.max(0, end - Date.now()), session.isOver.signal)]);
    session.isOver.abort();
    await session.outbox.close();
    if (session.temporary !== undefined) await rm(session.temporary, { recursive: true, force: true });
    this.#session = undefined;
  }

  #running(): Session {
    if (this.#session !== undefined && !this.#session.isStopping) return this.#session;
    throw new CodexRuntimeError("E_RUNTIME_NOT_RUNNING", "the runtime is not started");
  }

  #thread(): string {
    const { runtimeThreadId } = this.getState();
    if (runtimeThreadId !== null) return runtimeThreadId;
    throw new CodexRuntimeError("E_RUNTIME_NOT_RUNNING", "there is no thread");
  }

  #unwaited(promise: Promise<unknown>): void {
    promise.catch((thrown: unknown) => this.#failed(thrown));
  }

  /** @param line what it is about, where it is about one */
  #failed(thrown: unknown, line = ""): void {
    this.#state.failed(thrown);
    const told = { message: messageOf(thrown), line, code: codeOf(thrown) };
    this.#guard("onProtocolError", () => this.#options.handlers?.onProtocolError?.(told));
  }

  /** A handler that throws or rejects ends nothing. */
  #guard(name: string, call: () => unknown): void {
    const told = async (): Promise<unknown> => await call();
    told().catch((thrown: unknown) => {
      if (name !== "onProtocolError") this.#failed(new CodexBridgeError("E_BRIDGE_HANDLER_FAILED", `${name} failed: ${messageOf(thrown)}`, thrown));
    });
  }
}

/** Which process of codex it is: ids of requests count from 0 in each. */
interface ProcessName {
  readonly runtimeId: string;
  readonly generation: number;
  readonly appGeneration: number;
}

function requestIdOf(payloadJson: string): RpcId {
  const { params } = JSON.parse(payloadJson) as { params?: { requestId?: RpcId } };
  return params?.requestId ?? "";
}

/** Makes a runtime: see {@link CodexHostRuntime}. */
export function createCodexHostRuntime(options: CodexHostRuntimeOptions): CodexHostRuntime {
  return new CodexHostRuntime(options);
}
