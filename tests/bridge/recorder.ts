import { fileURLToPath } from "node:url";
import {
  type BridgeConfig,
  type BridgeError,
  type BridgeHandlers,
  type ClassifiedMessage,
  CodexLocalBridge,
  type NormalizedEvent,
  type ServerInboundMessage,
} from "../../js-wrapper/bridge/index.js";

const CHILD = fileURLToPath(new URL("scripted-codex.mjs", import.meta.url));

/** A bridge configuration that runs a scripted child instead of codex; see scripted-codex.mjs. */
export function scripted(...steps: Record<string, unknown>[]): BridgeConfig {
  return { codexBin: process.execPath, args: [CHILD, JSON.stringify(steps)], initialize: false, runtimeId: "run" };
}

/** Keeps what a bridge tells, and waits for it without looking at a clock. */
export class Recorder {
  readonly events: NormalizedEvent[] = [];
  readonly globals: { message: ServerInboundMessage; classification: ClassifiedMessage }[] = [];
  readonly errors: BridgeError[] = [];
  readonly exits: (number | null)[] = [];
  #waiters: { isTrue: () => boolean; resolve: () => void }[] = [];

  /** Handlers that keep everything; `changes` replace some of them. */
  handlers(changes: Partial<BridgeHandlers> = {}): BridgeHandlers {
    return {
      onEvent: (event) => this.keep(this.events, event),
      onGlobalMessage: (message, classification) => this.keep(this.globals, { message, classification }),
      onProtocolError: (error) => this.keep(this.errors, error),
      onProcessExit: (code) => this.keep(this.exits, code),
      ...changes,
    };
  }

  /** A started bridge whose words are kept here. */
  start(config: BridgeConfig, changes?: Partial<BridgeHandlers>): CodexLocalBridge {
    const bridge = new CodexLocalBridge(config, this.handlers(changes));
    bridge.start();
    return bridge;
  }

  keep<T>(list: T[], value: T): void {
    list.push(value);
    this.look();
  }

  /** Looks whether something that was waited for is true by now. */
  look(): void {
    const due = this.#waiters.filter((waiter) => waiter.isTrue());
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
    for (const waiter of due) waiter.resolve();
  }

  async until(isTrue: () => boolean): Promise<void> {
    if (isTrue()) return;
    await new Promise<void>((resolve) => this.#waiters.push({ isTrue, resolve }));
  }

  untilEvents(count: number): Promise<void> {
    return this.until(() => this.events.length >= count);
  }

  untilExits(count: number): Promise<void> {
    return this.until(() => this.exits.length >= count);
  }

  /** Waits for a message without a thread. @returns its params */
  async untilGlobal(method: string): Promise<Record<string, unknown>> {
    const found = () => this.globals.find(({ message }) => "method" in message && message.method === method);
    await this.until(() => found() !== undefined);
    const message = found()!.message;
    return ("params" in message ? message.params : {}) as Record<string, unknown>;
  }

  get errorCodes(): string[] {
    return this.errors.map(({ error }) => error.code);
  }
}

/** A turn's message. */
export function turnMessage(method: string, threadId: string, turnId: string, rest: object = {}): object {
  const turn = method.startsWith("turn/") ? { turn: { id: turnId } } : { turnId };
  return { method, params: { threadId, ...turn, ...rest } };
}
