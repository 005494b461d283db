import { hexOf } from "../hex.js";
import type { ClientOutboundWireMessage, CodexRpcError } from "../protocol/index.js";
import type { ClientNotification, ClientNotificationMethod, ClientRequestMethod, ClientRequestParams, ClientRequestResult } from "../protocol/typed.js";
import { AppServerError, refusal } from "./errors.js";

/** Milliseconds in which a request is answered, unless its caller says otherwise. */
export const REQUEST_TIMEOUT_MS = 60_000;
/** Milliseconds in which `initialize` is answered, unless its caller says otherwise. */
export const INITIALIZE_TIMEOUT_MS = 30_000;

/** Milliseconds that a timer can wait; it fires at once where it is told more. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Bytes of chance in the name of a client. */
const NAME_BYTES = 8;

/** Sends a message to the app-server, as `CodexLocalBridge.send` does; throws where it cannot. */
export type SendToAppServer = (message: ClientOutboundWireMessage) => void;

/** How one request is asked. */
export interface AppServerRequestOptions {
  /** Milliseconds until it is given up; 60,000 where it is not given, 30,000 for `initialize`. */
  readonly timeoutMs?: number | undefined;
}

/** `params` and options; `params` may be left out where the method's may be undefined. */
export type AppServerRequestArguments<M extends ClientRequestMethod> =
  undefined extends ClientRequestParams<M>
    ? [params?: ClientRequestParams<M>, options?: AppServerRequestOptions]
    : [params: ClientRequestParams<M>, options?: AppServerRequestOptions];

interface Waiting {
  readonly method: string;
  readonly timer: ReturnType<typeof setTimeout>;
  resolve(result: unknown): void;
  reject(error: AppServerError): void;
}

/**
 * Asks an app-server, and matches its answers to what was asked. It sends through what it is given and reads nothing itself: whoever
 * reads hands every answer to {@link AppServerClient.accept}. It outlives the process: what waits is given up with
 * {@link AppServerClient.rejectAll}, and the next process can be asked.
 *
 * @example
 * ```ts
 * const client = new AppServerClient((message) => bridge.send(message));
 * const bridge = new CodexLocalBridge({}, {
 *   onEvent: () => {},
 *   onGlobalMessage: (message) => void client.accept(message),
 *   onProtocolError: ({ error }) => console.error(error),
 *   onProcessExit: () => client.rejectAll("codex ended"),
 * });
 * bridge.start();
 * const { data } = await client.request("model/list", {});
 * ```
 */
export class AppServerClient {
  readonly #send: SendToAppServer;
  /** Begins every id: another text for every client, so that no id is one of the app's, or of another client. */
  readonly #name = `client-${hexOf(crypto.getRandomValues(new Uint8Array(NAME_BYTES)))}-`;
  readonly #waiting = new Map<string, Waiting>();
  readonly #onLacking: ((error: AppServerError) => void) | undefined;
  /** Methods that the process does not know: each is asked for once. */
  readonly #lacking = new Map<string, AppServerError>();
  /** What the process says that it is, in its answer to `initialize`. */
  #userAgent: unknown;
  #asked = 0;

  /**
   * @param send takes each message; what it throws rejects the request
   * @param onLacking told of each method that a process does not know, once; every request for it is rejected with that error
   */
  constructor(send: SendToAppServer, onLacking?: (error: AppServerError) => void) {
    this.#send = send;
    this.#onLacking = onLacking;
  }

  /** How many requests wait for their answers. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Asks for something.
   *
   * @param method one of the pinned version's; docs/APP_SERVER.md has all of them
   * @param args its `params`, and how long to wait. A `command/exec` is answered when its command ends
   * @returns the result, as the app-server gave it: its type is not checked
   * @throws AppServerError; what `send` throws, as it is
   */
  async request<M extends ClientRequestMethod>(method: M, ...args: AppServerRequestArguments<M>): Promise<ClientRequestResult<M>> {
    const [params, options] = args;
    return (await this.requestUntyped(method, params, options)) as ClientRequestResult<M>;
  }

  /** As {@link AppServerClient.request}, of a method that the pinned version does not have. */
  async requestUntyped(method: string, params?: unknown, options?: AppServerRequestOptions): Promise<unknown> {
    const lacking = this.#lacking.get(method);
    if (lacking !== undefined) throw lacking;
    const id = `${this.#name}${String(this.#asked++)}`;
    const timeoutMs = timerMs(options?.timeoutMs ?? (method === "initialize" ? INITIALIZE_TIMEOUT_MS : REQUEST_TIMEOUT_MS));
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#take(id)?.reject(new AppServerError("E_APP_SERVER_TIMEOUT", method, `not answered within ${String(timeoutMs)} ms`));
      }, timeoutMs);
      // Before it is sent: the answer may come while it is.
      this.#waiting.set(id, { method, timer, resolve, reject });
      try {
        this.#send({ method, id, params });
      } catch (thrown) {
        this.#take(id);
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the error of whoever sends, as it is
        reject(thrown);
      }
    });
  }

  /**
   * Tells something that has no answer.
   *
   * @throws what `send` throws
   */
  notify(method: ClientNotificationMethod): void {
    const message: ClientNotification = { method };
    this.#send(message);
  }

  /**
   * Takes an answer.
   *
   * @param message anything that the app-server said
   * @returns whether it answers a request of this client, one that was given up included; everything else is someone else's
   */
  accept(message: unknown): boolean {
    if (typeof message !== "object" || message === null || "method" in message || !("id" in message)) return false;
    const { id } = message;
    if (typeof id !== "string" || !id.startsWith(this.#name)) return false;
    const waiting = this.#take(id);
    if (waiting === undefined) return true;
    if ("error" in message) {
      waiting.reject(this.#refused(waiting.method, rpcErrorOf(message.error)));
      return true;
    }
    const result = "result" in message ? message.result : undefined;
    if (waiting.method === "initialize") this.#userAgent = (result as { userAgent?: unknown } | null | undefined)?.userAgent;
    waiting.resolve(result);
    return true;
  }

  /**
   * Gives up every request that waits, for the process that was asked has ended.
   *
   * @param reason why, a text or an error
   */
  rejectAll(reason: unknown): void {
    this.#lacking.clear();
    this.#userAgent = undefined;
    const why = reason instanceof Error ? reason.message : String(reason);
    const more = reason instanceof Error ? { cause: reason } : {};
    for (const [id, { method }] of this.#waiting) {
      this.#take(id)?.reject(new AppServerError("E_APP_SERVER_GONE", method, `the app-server is gone: ${why}`, more));
    }
  }

  #refused(method: string, rpc: CodexRpcError): AppServerError {
    const error = refusal(method, rpc, versionIn(this.#userAgent));
    if (error.code !== "E_UNSUPPORTED_BY_APP_SERVER") return error;
    const known = this.#lacking.get(method);
    // Asked for more than once before the first answer.
    if (known !== undefined) return known;
    this.#lacking.set(method, error);
    this.#onLacking?.(error);
    return error;
  }

  /** Ends the wait of a request. */
  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    clearTimeout(waiting?.timer);
    this.#waiting.delete(id);
    return waiting;
  }
}

function timerMs(ms: number): number {
  if (Number.isNaN(ms)) return REQUEST_TIMEOUT_MS;
  return Math.min(Math.max(ms, 0), TIMER_MS_MAX);
}

/** SOURCE: app-server 0.169.0 is `<name of the client>/0.169.0 (<system>) …`. */
function versionIn(userAgent: unknown): string | undefined {
  return typeof userAgent === "string" ? /^[^/]*\/(\d[\w.+-]*)/.exec(userAgent)?.[1] : undefined;
}

/** An answer is not trusted to be what it should be. */
function rpcErrorOf(error: unknown): CodexRpcError {
  const { code, message, data } = (typeof error === "object" && error !== null ? error : {}) as { code?: unknown; message?: unknown; data?: unknown };
  return {
    code: typeof code === "number" ? code : 0,
    message: typeof message === "string" ? message : "refused without a message",
    ...(data === undefined ? {} : { data }),
  };
}
