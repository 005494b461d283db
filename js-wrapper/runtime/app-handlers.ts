import { AppServerError } from "../app-server/index.js";
import { CodexBridgeError } from "../bridge/errors.js";
import { messageOf } from "../coded-error.js";
import { codeOf, shownOf } from "./errors.js";
import type { CodexHostHandlers } from "./types.js";

/** The handlers that an app brought: one that throws or rejects ends nothing. */
export class AppHandlers {
  readonly #handlers: CodexHostHandlers;

  constructor(handlers: CodexHostHandlers = {}) {
    this.#handlers = handlers;
  }

  /** Whether the app brought one. */
  has(name: keyof CodexHostHandlers): boolean {
    return this.#handlers[name] !== undefined;
  }

  /** Calls one, if there is one, and does not wait for it. */
  call<Name extends Exclude<keyof CodexHostHandlers, "onProtocolError">>(name: Name, ...args: Parameters<NonNullable<CodexHostHandlers[Name]>>): void {
    const told = async (): Promise<void> => {
      const handler = this.#handlers[name] as ((...args: unknown[]) => Promise<void> | void) | undefined;
      await handler?.call(this.#handlers, ...args);
    };
    told().catch((thrown: unknown) => this.failed(new CodexBridgeError("E_BRIDGE_HANDLER_FAILED", `${name} failed: ${messageOf(thrown)}`, thrown)));
  }

  /** Tells what went wrong, but for what {@link lacks} has told. @param line what it is about, where it is about one */
  failed(thrown: unknown, line = ""): void {
    if (!(thrown instanceof AppServerError) || thrown.code !== "E_UNSUPPORTED_BY_APP_SERVER") this.#tell(thrown, line);
  }

  /** Codex does not know a method: told when it is found, however whoever asks goes on without, and however many ask. */
  lacks(error: AppServerError): void {
    this.#tell(error, "");
  }

  #tell(thrown: unknown, line: string): void {
    const told = async (): Promise<void> => this.#handlers.onProtocolError?.({ message: shownOf(thrown), line, code: codeOf(thrown) });
    // A handler of errors that fails has nobody left to be told.
    told().catch(() => undefined);
  }
}
