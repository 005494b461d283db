import { INITIALIZE_TIMEOUT_MS } from "../app-server/client.js";
import { type AppServerClientInfo, buildInitializedNotification, buildInitializeRequestWithCapabilities } from "../app-server/requests.js";
import type { ClientOutboundWireMessage, CodexResponse, CodexRpcError, RpcId } from "../protocol/index.js";
import { encode } from "./encoding.js";
import { CodexBridgeError } from "./errors.js";

/** Who the bridge says it is, unless the app says otherwise. */
export const DEFAULT_CLIENT_INFO: AppServerClientInfo = { name: "convex_codex_local", title: "Convex Codex Local", version: "0.1.0" };

/** SOURCE: app-server 0.169.0 leaves `availableDecisions` out of approvals without it. */
export const CAPABILITIES = { experimentalApi: true };

/** What the handshake makes happen. */
interface HandshakeActions {
  /** Writes to the process. @param line as `encode` made it */
  write(line: string): void;
  /** Answers the app. */
  answer(response: CodexResponse): void;
  /** The process is ready. */
  done(): void;
  /** The app-server refused, or did not answer in time; nothing will ever be sent. */
  fail(error: CodexBridgeError): void;
}

/**
 * Says initialize and initialized to one process, and holds what the app sends until that is done. The app may say them
 * too: it gets the same answer, and the process hears them once.
 */
export class Handshake {
  readonly #actions: HandshakeActions;
  /** A string, for the ids of apps are numbers, and with the bridge's name in front for those that are not. */
  readonly #id: string;
  readonly #waiting: string[] = [];
  readonly #askedIds: RpcId[] = [];
  #timer: NodeJS.Timeout | undefined;
  #result: { readonly value: unknown } | undefined;

  /**
   * @param id the id of the bridge's own initialize; nobody else's
   * @param actions what it makes happen
   */
  constructor(id: string, actions: HandshakeActions) {
    this.#id = id;
    this.#actions = actions;
  }

  /** Its answer is yet to be read. */
  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  /** Says initialize. */
  begin(clientInfo: AppServerClientInfo = DEFAULT_CLIENT_INFO): void {
    this.#timer = setTimeout(() => {
      this.#fail({ code: 0, message: `initialize was not answered within ${INITIALIZE_TIMEOUT_MS} ms` });
    }, INITIALIZE_TIMEOUT_MS);
    this.#actions.write(encode(buildInitializeRequestWithCapabilities(this.#id, clientInfo, CAPABILITIES)));
  }

  /** Sends what the app wants sent, at once or when the process is ready. @param line the message, encoded */
  send(message: ClientOutboundWireMessage, line: string): void {
    if ("method" in message && message.method === "initialized") return;
    if ("method" in message && message.method === "initialize" && "id" in message) {
      this.#answerInitialize(message.id);
    } else if (this.#result === undefined) {
      this.#waiting.push(line);
    } else {
      this.#actions.write(line);
    }
  }

  /** Takes the answer to its initialize. @returns whether it was that */
  accept(response: CodexResponse): boolean {
    if (response.id !== this.#id) return false;
    if (this.#timer === undefined) return true;
    if ("error" in response) {
      this.#fail(response.error);
    } else {
      this.#succeed(response.result);
    }
    return true;
  }

  /** Ends the wait, for the process has ended. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #succeed(result: unknown): void {
    this.cancel();
    this.#result = { value: result };
    this.#actions.write(encode(buildInitializedNotification()));
    for (const id of this.#askedIds.splice(0)) this.#actions.answer({ id, result });
    for (const line of this.#waiting.splice(0)) this.#actions.write(line);
    this.#actions.done();
  }

  #fail(error: CodexRpcError): void {
    this.cancel();
    for (const id of this.#askedIds.splice(0)) this.#actions.answer({ id, error });
    this.#actions.fail(new CodexBridgeError("E_BRIDGE_INITIALIZE_FAILED", `initialize failed: ${error.message}`));
  }

  #answerInitialize(id: RpcId): void {
    const result = this.#result;
    if (result === undefined) this.#askedIds.push(id);
    // Not from inside the app's own call of send().
    else queueMicrotask(() => this.#actions.answer({ id, result: result.value }));
  }
}
