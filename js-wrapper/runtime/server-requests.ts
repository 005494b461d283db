import { METHOD_NOT_FOUND } from "../app-server/errors.js";
import { answers as BUILDERS } from "../app-server/index.js";
import type { CodexRpcError, RpcId } from "../protocol/index.js";

/** A request of the app-server that waits for an answer. */
export interface ServerRequest {
  readonly id: RpcId;
  readonly method: string;
  /** The app-server's thread, where it is of one. */
  readonly threadId?: string | undefined;
  readonly turnId?: string | undefined;
  readonly itemId?: string | undefined;
  readonly params: unknown;
  /** The message as it is kept in Convex: what people are shown, and what their answer is held to. */
  readonly payloadJson: string;
  /** When it was asked, in milliseconds since 1970. */
  readonly askedAt: number;
}

/** How a request ended. */
export type ServerRequestEnd =
  /** The app-server got this result. */
  | { readonly type: "answered"; readonly result: unknown }
  /** Nobody answered: its turn or its process is over, or the app-server took it back. */
  | { readonly type: "expired" };

/**
 * What becomes of a request that is of no thread, so that nobody is shown it in Convex: it waits for the app, it is refused for nobody here
 * hears of it, or it is left to another client of the app-server's.
 */
export type Threadless = "waits" | "refused" | "left";

/** What requests make happen. */
export interface ServerRequestActions {
  /** Sends a message to the app-server; it may throw where that is gone. */
  send(message: { id: RpcId; result: unknown } | { id: RpcId; error: CodexRpcError }): void;
  /** One waits. */
  opened(request: ServerRequest): void;
  /** It waits no longer. */
  closed(request: ServerRequest, end: ServerRequestEnd): void;
  /** One that nobody here can answer was refused. @param why in words */
  refused(request: ServerRequest, why: string): void;
  /** Milliseconds since 1970. */
  now(): number;
}

/**
 * What one app-server process asks, until it is answered: each is answered once, whoever tries, and what nobody here knows is refused.
 * Ids count from 0 in every process: a new one begins with {@link processEnded}.
 */
export class ServerRequests {
  readonly #actions: ServerRequestActions;
  readonly #threadless: Threadless;
  readonly #waiting = new Map<RpcId, ServerRequest>();

  constructor(actions: ServerRequestActions, threadless: Threadless) {
    this.#actions = actions;
    this.#threadless = threadless;
  }

  /** Those that wait, oldest first; of one thread, or all. */
  list(threadId?: string): ServerRequest[] {
    return [...this.#waiting.values()].filter((request) => threadId === undefined || request.threadId === threadId);
  }

  get(id: RpcId): ServerRequest | undefined {
    return this.#waiting.get(id);
  }

  /**
   * The app-server asks.
   *
   * @param of its thread, and the message as it is kept of one
   * @returns whether it asks that for the first time: it asks again what waits when a thread is resumed
   */
  asked(message: { id: RpcId; method: string; params?: unknown }, of: { threadId?: string; payloadJson?: string } = {}): boolean {
    if (this.#waiting.has(message.id)) return false;
    const { id, method, params } = message;
    const { threadId, payloadJson = JSON.stringify(message) } = of;
    const text = (name: string): string | undefined => fieldOf(params, name);
    const at = { threadId, turnId: text("turnId"), itemId: text("itemId"), askedAt: this.#actions.now() };
    const request = { id, method, params, payloadJson, ...at };
    if (method === "currentTime/read") {
      this.#reply(BUILDERS[method](id, request.askedAt));
    } else if (!(method in BUILDERS)) {
      this.#refuse(request, `\`${method}\` is not known here`);
    } else if (threadId === undefined && this.#threadless === "refused") {
      this.#refuse(request, `nobody here answers \`${method}\``);
    } else if (threadId !== undefined || this.#threadless === "waits") {
      this.#waiting.set(id, request);
      this.#actions.opened(request);
    }
    return true;
  }

  /**
   * Answers a request, once.
   *
   * @returns whether it waited; where it did not, nothing was sent
   * @throws what `send` throws; then it waits still
   */
  answer(id: RpcId, result: unknown): boolean {
    const request = this.#waiting.get(id);
    if (request === undefined) return false;
    this.#actions.send({ id, result });
    this.#close(request, { type: "answered", result });
    return true;
  }

  /** As {@link answer}, with an error. Nobody decided what it asks: it has expired. */
  refuse(id: RpcId, error: CodexRpcError): boolean {
    const request = this.#waiting.get(id);
    if (request === undefined) return false;
    this.#actions.send({ id, error });
    this.#close(request, { type: "expired" });
    return true;
  }

  /** The app-server says that it waits no longer: answered by somebody else, or taken back. */
  resolved(id: RpcId): void {
    const request = this.#waiting.get(id);
    if (request !== undefined) this.#close(request, { type: "expired" });
  }

  /** A turn has ended: what it asked is answered with its `cancel` or `decline`, for the app-server may wait for it yet. */
  turnEnded(threadId: string, turnId: string): void {
    for (const request of this.list(threadId)) {
      if (request.turnId === turnId) this.withdraw(request.id);
    }
  }

  /** Nobody will decide it: the app-server is told so with its `cancel` or `decline`. */
  withdraw(id: RpcId): void {
    const request = this.#waiting.get(id);
    if (request === undefined) return;
    this.#reply(withdrawal(request));
    this.#close(request, { type: "expired" });
  }

  /** The process has ended, and waits for nothing. */
  processEnded(): void {
    for (const request of this.list()) this.#close(request, { type: "expired" });
  }

  #refuse(request: ServerRequest, message: string): void {
    this.#reply({ id: request.id, error: { code: METHOD_NOT_FOUND, message } });
    this.#actions.refused(request, message);
  }

  /** Answers what nobody is asked. */
  #reply(message: Parameters<ServerRequestActions["send"]>[0]): void {
    try {
      this.#actions.send(message);
    } catch {
      // It is gone, or going, and waits for nothing.
    }
  }

  #close(request: ServerRequest, end: ServerRequestEnd): void {
    this.#waiting.delete(request.id);
    this.#actions.closed(request, end);
  }
}

/** What a request is answered with that nobody will decide any more. */
function withdrawal({ id, method }: Pick<ServerRequest, "id" | "method">): { id: RpcId; result: unknown } | { id: RpcId; error: CodexRpcError } {
  switch (method) {
    case "item/commandExecution/requestApproval":
    case "item/fileChange/requestApproval":
      return BUILDERS[method](id, "cancel");
    case "item/permissions/requestApproval":
      return BUILDERS[method](id, { permissions: {}, scope: "turn" });
    case "mcpServer/elicitation/request":
      return BUILDERS[method](id, { action: "cancel" });
    case "item/tool/requestUserInput":
      return BUILDERS[method](id, {});
    case "item/tool/call":
      return BUILDERS[method](id, { success: false, contentItems: [] });
    case "applyPatchApproval":
    case "execCommandApproval":
      return BUILDERS[method](id, "abort");
    default:
      return { id, error: { code: METHOD_NOT_FOUND, message: "nobody answered" } };
  }
}

function fieldOf(params: unknown, name: string): string | undefined {
  if (params === null || typeof params !== "object") return undefined;
  const value = (params as Record<string, unknown>)[name];
  return typeof value === "string" ? value : undefined;
}
