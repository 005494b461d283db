import {
  type AppServerClient,
  buildCommandExecutionApprovalResponse,
  buildDynamicToolCallResponse,
  buildFileChangeApprovalResponse,
  buildToolRequestUserInputResponse,
  type ClientRequestParams,
  type ClientRequestResult,
  type LegacyChatgptAuthTokens,
} from "../app-server/index.js";
import { assertThreadId } from "../app-server/thread-id.js";
import type {
  ChatgptAuthTokensRefreshResponse,
  CommandExecutionApprovalDecision,
  DynamicToolCallResponse,
  FileChangeApprovalDecision,
  ToolRequestUserInputResponse,
} from "../protocol/generated/types.js";
import type { CodexRpcError, RpcId } from "../protocol/index.js";
import { AppHandlers } from "./app-handlers.js";
import { AppServerCalls } from "./app-server-calls.js";
import { CodexRuntimeError } from "./errors.js";
import type { Backlog } from "../outbox/index.js";
import type { ServerRequest } from "./server-requests.js";
import { Session } from "./session.js";
import { RuntimeState } from "./state.js";
import { NEEDS_FORCE, TURN_STUCK } from "./stopping.js";
import type { CodexHostRuntimeOptions, CodexHostState, StartArgs } from "./types.js";

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
  readonly #handlers: AppHandlers;
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
    this.#handlers = new AppHandlers(options.handlers);
    this.#state = new RuntimeState((state) => this.#handlers.call("onState", state), (thrown) => this.#handlers.failed(thrown));
  }

  /**
   * Starts codex and a thread of it. A start during a stop waits for that, and one after codex was given up stops what is left first.
   *
   * @returns when the process runs and was asked for its thread; {@link ready} waits for the answers
   * @throws CodexRuntimeError `E_RUNTIME_RUNNING`, `E_RUNTIME_NOT_RUNNING` where it was stopped before its process ran, or the code with which the
   *   process could not be started; OutboxError. Then nothing is left of it
   */
  async start(args: StartArgs): Promise<void> {
    if (this.#session !== undefined && !this.getState().running) void this.stop();
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

  /**
   * Ends the turn that runs; without one it does nothing. What the turn asks is answered `cancel`; a turn that does not end is
   * interrupted once more after 5 s, and ended with its process after 15 s; where that is somebody else's (`attach`), it goes on, which is
   * told to onProtocolError (`E_COMMAND_TURN_STUCK`).
   *
   * @param options with `force` also where that cuts the turns of other threads; without it they are told to onProtocolError
   *   (`E_COMMAND_NEEDS_FORCE`)
   */
  interrupt({ force = false }: { force?: boolean } = {}): void {
    const { turnId, turnInFlight } = this.getState();
    if (turnId === null || !turnInFlight) return;
    const told = this.#running().stopping.stop(this.#thread(), turnId, force).then((outcome) => {
      if (outcome.type === "stuck") throw new CodexRuntimeError(TURN_STUCK, `the turn ${turnId} does not end, and its codex is not this runtime's to start anew`);
      if (outcome.type !== "needsForce") return;
      const others = outcome.threadIds.join(", ");
      throw new CodexRuntimeError(NEEDS_FORCE, `the turn ${turnId} does not end, and a restart of codex would cut the turns of ${others}`);
    });
    this.#unwaited(told);
  }

  /**
   * Goes on in another thread of the app-server's: turns are sent to it from here on, and the state is its. Each thread's events go into
   * its own thread in Convex, before and after.
   */
  async resumeThread(threadId: string, params: Omit<ClientRequestParams<"thread/resume">, "threadId"> = {}): Promise<ClientRequestResult<"thread/resume">> {
    assertThreadId(threadId);
    const answer = await this.appServer.request("thread/resume", { threadId, ...params });
    await this.#running().threads.goOnIn(answer);
    return answer;
  }

  /**
   * Loads a further thread of the app-server's: its events go into its own thread in Convex, and it is steered from afar as the
   * runtime's own is. Turns are sent where they were, and the state stays as it is.
   *
   * @returns when it is known in Convex too
   */
  async followThread(threadId: string, params: Omit<ClientRequestParams<"thread/resume">, "threadId"> = {}): Promise<ClientRequestResult<"thread/resume">> {
    assertThreadId(threadId);
    const answer = await this.appServer.request("thread/resume", { threadId, ...params });
    await this.#running().threads.goOnBeside(answer);
    return answer;
  }

  /**
   * Copies a thread, and goes on in the copy, as {@link resumeThread} does. What of it is in Convex is copied there, as far as codex has
   * copied it.
   */
  async forkThread(threadId: string, params: Omit<ClientRequestParams<"thread/fork">, "threadId"> = {}): Promise<ClientRequestResult<"thread/fork">> {
    assertThreadId(threadId);
    const answer = await this.appServer.request("thread/fork", { threadId, ...params });
    await this.#running().threads.goOnInCopy(answer, threadId, params);
    return answer;
  }

  /** Requests of the app-server that wait for an answer; of one of its threads, or all. */
  listPendingServerRequests(threadId?: string): ServerRequest[] {
    return this.#running().requests.waiting.list(threadId);
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
    if (this.#running().requests.waiting.answer(requestId, result)) return;
    throw new CodexRuntimeError("E_SERVER_REQUEST_NOT_PENDING", `the request ${String(requestId)} waits no longer`);
  }

  /**
   * Answers a request of the app-server with an error.
   *
   * @param error JSON-RPC's: `code` and `message`
   * @throws as {@link respond}
   */
  refuse(requestId: RpcId, error: CodexRpcError): void {
    if (this.#running().requests.waiting.refuse(requestId, error)) return;
    throw new CodexRuntimeError("E_SERVER_REQUEST_NOT_PENDING", `the request ${String(requestId)} waits no longer`);
  }

  /** Events that are not in Convex yet, thread by thread, by the app-server's ids; none while it is not started. */
  backlog(): Backlog[] {
    return this.#session?.backlog() ?? [];
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
    const onLost = (error: unknown) => {
      if (this.#stopping === undefined) void this.stop().then(() => this.#state.phase("failed", error));
    };
    try {
      this.#session = await Session.open({ options: this.#options, args, state: this.#state, handlers: this.#handlers, onLost });
      await this.#session.begin();
    } catch (thrown) {
      if (this.#session !== undefined) await this.#close(this.#session);
      // It ended because it was stopped: how that stands, the stop says.
      if (this.#stops !== stops) throw new CodexRuntimeError("E_RUNTIME_NOT_RUNNING", "the runtime was stopped meanwhile", thrown);
      this.#state.phase("failed", thrown);
      throw thrown;
    }
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

  /** It ends, whatever fails on the way; that is told. */
  async #close(session: Session): Promise<void> {
    try {
      await session.close();
    } catch (thrown) {
      this.#failed(thrown);
    } finally {
      this.#session = undefined;
    }
  }

  #running(): Session {
    if (this.#session !== undefined && !this.#session.isClosing) return this.#session;
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

  #failed(thrown: unknown): void {
    this.#state.failed(thrown);
    this.#handlers.failed(thrown);
  }
}

/** Makes a runtime: see {@link CodexHostRuntime}. */
export function createCodexHostRuntime(options: CodexHostRuntimeOptions): CodexHostRuntime {
  return new CodexHostRuntime(options);
}
