/// <reference lib="es2024.string" />
import { randomUUID } from "node:crypto";
import type { AppServerClientInfo } from "../app-server/requests.js";
import { messageOf } from "../coded-error.js";
import { classifyLine, type LineClass, redactMessage } from "../core/bridge.js";
import { cutLine } from "../protocol/errors.js";
import { eventOf } from "../protocol/event-of.js";
import {
  type ClassifiedMessage,
  type ClientOutboundWireMessage,
  type CodexResponse,
  CodexProtocolParseError,
  CodexProtocolSendError,
  type NormalizedEvent,
  type ServerInboundMessage,
} from "../protocol/index.js";
import { Delivery } from "./delivery.js";
import { encode } from "./encoding.js";
import { type BridgeError, CodexBridgeError, cutTail } from "./errors.js";
import { type FrameFault, LineFramer } from "./framing.js";
import { Handshake } from "./handshake.js";
import { type KnownNumbers, Numbering, type NumberedMessage } from "./numbering.js";
import { oversizeStub } from "./oversize.js";
import { type CodexLink, CodexProcess, type ProcessEnd, type ProcessListener } from "./process.js";
import { CodexSocket } from "./socket.js";
import { synthesizedEnd, type TurnEnd, TURN_ENDED } from "./turn-end.js";

/** Milliseconds that stop() waits for onEvent to take what was received. */
export const FLUSH_ON_STOP_MS = 10_000;

const FIRST_GENERATION = 1;

/** How the app-server is run. */
export interface BridgeConfig {
  /** The native binary: a path, or a name on PATH. Default: CODEX_BIN, else `codex` on PATH. Never looked up in `cwd`. */
  readonly codexBin?: string;
  /** Folder in which Codex works. Default: this process's. */
  readonly cwd?: string;
  /**
   * An app-server that runs already, in the place of a process of the bridge's own: `unix:///path/of/the.sock` or `ws://host:port`, as its
   * `--listen` says; a path is taken as it is, `%20` is no space. Whose threads a terminal or a desktop has can be followed and steered
   * so. When the bridge stops or the connection is lost, it goes on, and so do its turns: none is ended by the bridge. The runtime asks
   * of them when it is there again.
   */
  readonly attach?: string;
  /** Arguments of the binary, all of them. Default: `["app-server"]`. */
  readonly args?: readonly string[];
  /** Changes to this process's environment for the child; undefined takes a variable away. CONVEX_* and CODEX_DEVICE_TOKEN never reach it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Names of further variables that the child does not see, whatever their case; a `*` at the end stands for any end. */
  readonly envDeny?: readonly string[];
  /**
   * Whether events, and lines that errors carry, are handed on without the secrets that are known by their names and shapes (default);
   * `[redacted:kind]` stands in their place. It is best effort. Answers and messages without a thread are handed on as they came.
   */
  readonly redact?: boolean;
  /** Whether the bridge says initialize itself (default). With false, everything is the app's. */
  readonly initialize?: boolean;
  /** Who the bridge says it is, in initialize. */
  readonly clientInfo?: AppServerClientInfo;
  /**
   * Names the numbering of events, in their ids. Default: a new one for every bridge object. Numbers are kept in memory,
   * so an id that an earlier object used would have its lifecycle events taken for redeliveries.
   */
  readonly runtimeId?: string;
  /** The generation of the first start(); each further one counts up. Default 1. */
  readonly generation?: number;
  /** Where the numbering goes on that an earlier object with this `runtimeId` began. Default: at the beginning. */
  readonly numbers?: readonly KnownNumbers[];
}

/** Who is told what the app-server says. A handler that throws or rejects ends nothing. */
export interface BridgeHandlers {
  /**
   * Takes a message of a thread. Events of a thread come one after another: the next one waits for the promise. One that
   * is rejected is handed over again with backoff, without end, while its thread waits and the others go on;
   * onProtocolError is told once.
   */
  onEvent(event: NormalizedEvent): Promise<void> | void;
  /** Takes an answer, or a message without a thread: called in order, not waited for, not called again. */
  onGlobalMessage(message: ServerInboundMessage, classification: ClassifiedMessage): Promise<void> | void;
  /** Takes an event that is too large to be stored, whole, before onEvent takes what stands for it. It is not called again. */
  onEventCut?(whole: NormalizedEvent): Promise<void> | void;
  /** Takes everything that went wrong, as a value. */
  onProtocolError(error: BridgeError): Promise<void> | void;
  /** Takes every line of codex (`in`) and to it (`out`) as it is, secrets included, before it is read. What it throws is told. */
  onLine?(direction: "in" | "out", line: string): void;
  /** Told once for every start() whose process runs. */
  onProcessStart?(): Promise<void> | void;
  /** Told once for every start(), also of a process that never ran. @param code exit status; null after a signal */
  onProcessExit?(code: number | null): Promise<void> | void;
}

/** A turn as an app-server lists it: `items` are those that are over, of the protocol's types. */
export interface ListedTurn {
  readonly id: string;
  readonly items: readonly unknown[];
  readonly status: "inProgress" | "completed" | "interrupted" | "failed";
}

/** What a bridge has seen since it was made. */
export interface BridgeStats {
  /** Lines of the app-server, those that were no message included. */
  readonly lines: number;
  /** Events numbered, those that the bridge itself made included. */
  readonly events: number;
  /** Answers and messages without a thread. */
  readonly globalMessages: number;
  /** What onProtocolError was told, by code. */
  readonly errors: Readonly<Record<string, number>>;
}

interface Run {
  readonly process: CodexLink;
  readonly handshake: Handshake | undefined;
  readonly framer: LineFramer;
  readonly ended: Promise<void>;
  stopping: boolean;
}

/**
 * Runs a local `codex app-server`, numbers what it says and hands it on: messages of threads to `onEvent`, everything
 * else to `onGlobalMessage`.
 *
 * When the process dies, each turn that it left open gets one `turn/completed` of the bridge's own (status
 * `interrupted`, `params.synthesized: true`). The process is not started again by itself, and nothing is kept on disk:
 * events that wait for `onEvent` when the host process ends are lost. Beyond 64 MiB of waiting payloads the bridge stops
 * reading, so that the app-server waits and memory does not grow.
 *
 * @example
 * ```ts
 * const bridge = new CodexLocalBridge(
 *   { cwd: process.cwd() },
 *   {
 *     onEvent: async (event) => console.log(event.threadId, event.kind),
 *     onGlobalMessage: () => {},
 *     onProtocolError: ({ error, line }) => console.error(error.message, line),
 *   },
 * );
 * bridge.start();
 * bridge.send({ id: 1, method: "thread/start", params: {} });
 * ```
 */
export class CodexLocalBridge {
  readonly #config: BridgeConfig;
  readonly #handlers: BridgeHandlers;
  readonly #runtimeId: string;
  readonly #numbering: Numbering;
  readonly #delivery: Delivery;
  readonly #errors = new Map<string, number>();
  #nextGeneration: number;
  #lines = 0;
  #events = 0;
  #globalMessages = 0;
  #run: Run | undefined;
  #stopping: Promise<void> | undefined;
  #startAfterStop = false;
  #isHeld = false;

  /**
   * @param config how the app-server is run; every field has a default
   * @param handlers who is told what it says
   */
  constructor(config: BridgeConfig, handlers: BridgeHandlers) {
    this.#config = config;
    this.#handlers = handlers;
    // The backend drops the connection of a client that sends an ill-formed string. All else of an event is read from UTF-8.
    this.#runtimeId = (config.runtimeId ?? randomUUID()).toWellFormed();
    this.#nextGeneration = config.generation ?? FIRST_GENERATION;
    this.#numbering = new Numbering(this.#runtimeId, this.#nextGeneration, config.numbers);
    this.#delivery = new Delivery({
      handle: (event) => handlers.onEvent(event),
      rejected: (event, thrown) => this.#handlerFailed("onEvent", event.payloadJson, thrown),
      crowded: () => this.#tellPressure(),
    });
  }

  /**
   * Starts the process and, by default, says initialize. It returns at once and never throws: a binary that is missing,
   * or that goes, is told through onProtocolError and onProcessExit. While a process runs it does nothing; during a
   * stop() the start follows it.
   */
  start(): void {
    if (this.#stopping !== undefined) {
      this.#startAfterStop = true;
    } else {
      this.#run ??= this.#begin(this.#nextGeneration++);
    }
  }

  /**
   * Ends the process (SIGTERM, SIGKILL after 5 s) and waits up to 10 s for onEvent to take what was received; what it
   * does not take is lost and told (`E_BRIDGE_EVENTS_LOST`).
   *
   * @returns a promise that always resolves; the same one for every call during the same stop
   */
  stop(): Promise<void> {
    this.#startAfterStop = false;
    this.#stopping ??= this.#end().then(() => {
      this.#stopping = undefined;
      if (this.#startAfterStop) this.start();
    });
    return this.#stopping;
  }

  /**
   * Sends a message. What is sent before the handshake is done is sent right after it; an `initialize` is answered with
   * the result of the bridge's own, and an `initialized` is left out (both only if the bridge says initialize).
   *
   * @param message a request, a notification, or the answer to a request of the app-server
   * @throws CodexProtocolSendError `E_BRIDGE_NOT_RUNNING` where no process runs, `E_BRIDGE_MESSAGE_INVALID` where it is
   *   no message (`assertValidClientMessage`), or is not JSON
   */
  send(message: ClientOutboundWireMessage): void {
    const run = this.#run;
    if (run === undefined || run.stopping) {
      throw new CodexProtocolSendError("no app-server runs: call start() first", "E_BRIDGE_NOT_RUNNING");
    }
    const line = encode(message);
    if (run.handshake === undefined) this.#write(run.process, line);
    else run.handshake.send(message, line);
  }

  /**
   * Stops reading what the app-server says, so that it waits; messages to it still go. What was read is handed on.
   *
   * @param isHeld whether it stops, or reads on; it holds for every process of this object
   */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#tellPressure();
  }

  /**
   * Tells of a turn of an app-server that went on while no bridge was there: what it says of the turn now is handed on as events, its items
   * as completed ones, and then, unless the turn runs on, an end of the bridge's own (`params.synthesized: true`).
   *
   * @param threadId the app-server's
   * @param turn as the app-server lists it
   */
  tellTurn(threadId: string, { id: turnId, items, status }: ListedTurn): void {
    const kind = "item/completed";
    for (const item of items) {
      const payloadJson = JSON.stringify({ method: kind, params: { threadId, turnId, item } });
      this.#deliver({ kind, threadId, turnId, opensTurn: true, endsTurn: false }, this.#redacted(payloadJson), Date.now());
    }
    if (status !== "inProgress") this.#endTurn(threadId, turnId, status, true);
  }

  /** What this bridge has seen: counts since it was made. */
  stats(): BridgeStats {
    return {
      lines: this.#lines,
      events: this.#events,
      globalMessages: this.#globalMessages,
      errors: Object.fromEntries(this.#errors),
    };
  }

  #isPressed(): boolean {
    return this.#isHeld || this.#delivery.isCrowded;
  }

  /** Whatever waits, the answer to initialize is read. */
  #tellPressure(): void {
    const run = this.#run;
    if (this.#isPressed() && run?.handshake?.isWaiting !== true) run?.process.pause();
    else run?.process.resume();
  }

  #begin(generation: number): Run {
    this.#numbering.beginGeneration(generation);
    let told: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      told = resolve;
    });
    const run: Run = {
      process: this.#link({
        onSpawn: () => this.#guard("onProcessStart", "", () => this.#handlers.onProcessStart?.()),
        onStdout: (chunk) => run.framer.push(chunk),
        onFault: (error) => this.#report("", error),
        onEnd: (end) => {
          this.#finish(run, end);
          told();
        },
      }),
      handshake: this.#config.initialize === false ? undefined : this.#handshake(generation, () => run.process),
      framer: new LineFramer((line, fault) => this.#takeLine(run, line, fault)),
      ended,
      stopping: false,
    };
    if (this.#isPressed() && run.handshake === undefined) run.process.pause();
    run.handshake?.begin(this.#config.clientInfo);
    return run;
  }

  #link(listener: ProcessListener): CodexLink {
    const { attach } = this.#config;
    return attach === undefined ? new CodexProcess(this.#config, listener) : new CodexSocket(attach, listener);
  }

  #handshake(generation: number, process: () => CodexLink): Handshake {
    return new Handshake(`${this.#runtimeId}.${generation}:initialize`, {
      write: (line) => this.#write(process(), line),
      answer: (response) => this.#takeGlobal(response, { type: "response" }),
      done: () => this.#tellPressure(),
      fail: (error) => {
        this.#report("", error);
        process().terminate();
      },
    });
  }

  async #end(): Promise<void> {
    const run = this.#run;
    if (run !== undefined) {
      run.stopping = true;
      run.handshake?.cancel();
      run.process.terminate();
      await run.ended;
    }
    const lost = await this.#delivery.flush(FLUSH_ON_STOP_MS);
    if (lost === 0) return;
    this.#report("", new CodexBridgeError("E_BRIDGE_EVENTS_LOST", `stopped with ${lost} events that onEvent did not take`));
  }

  #finish(run: Run, end: ProcessEnd): void {
    run.framer.end();
    run.handshake?.cancel();
    this.#run = undefined;
    const isAttached = this.#config.attach !== undefined;
    // What was attached to may go on, and so may its turns: whoever attaches again asks.
    for (const turn of isAttached ? [] : this.#numbering.openTurns()) this.#endTurn(turn.threadId, turn.turnId, "interrupted", false);
    if (end.error !== undefined) {
      this.#report("", end.error);
    } else if (!run.stopping) {
      const who = isAttached ? "the connection to codex" : "codex";
      const how = isAttached ? "" : end.signal === null ? ` with status ${end.code ?? "unknown"}` : ` by ${end.signal}`;
      this.#report(cutTail(end.stderrTail), new CodexBridgeError("E_BRIDGE_PROCESS_EXITED", `${who} ended${how}`));
    }
    this.#guard("onProcessExit", "", () => this.#handlers.onProcessExit?.(end.code));
  }

  #endTurn(threadId: string, turnId: string, status: TurnEnd, opensTurn: boolean): void {
    const end = { kind: TURN_ENDED, threadId, turnId, opensTurn, endsTurn: true };
    this.#deliver(end, synthesizedEnd(threadId, turnId, status), Date.now());
  }

  #write(process: CodexLink, line: string): void {
    if (this.#handlers.onLine !== undefined) this.#guard("onLine", "", () => this.#handlers.onLine?.("out", line));
    process.write(line);
  }

  #takeLine(run: Run, line: string, fault: FrameFault | undefined): void {
    this.#lines += 1;
    if (this.#handlers.onLine !== undefined) this.#guard("onLine", "", () => this.#handlers.onLine?.("in", line));
    if (fault === "tooLong") {
      this.#report(line, new CodexBridgeError("E_BRIDGE_LINE_TOO_LONG", "a line over the limit was dropped"));
      return;
    }
    if (fault === "notUtf8") {
      this.#report(line, new CodexBridgeError("E_BRIDGE_LINE_NOT_UTF8", "a line is not UTF-8"));
    }
    try {
      this.#takeMessage(run, line, fault);
    } catch (thrown) {
      if (thrown instanceof CodexProtocolParseError) this.#report(line, thrown);
      else this.#report(line, new CodexBridgeError("E_INTERNAL", `a line could not be read: ${messageOf(thrown)}`, thrown));
    }
  }

  #takeMessage(run: Run, line: string, fault: FrameFault | undefined): void {
    // The core knows most lines from their two ends; of one that was cut, everything must be there.
    if (fault === "cut") parse(line, "E_BRIDGE_LINE_CUT");
    const found = classifyLine(line);
    switch (found.type) {
      case "error":
        // Told already, as what it is.
        if (fault === "notUtf8") return;
        throw new CodexProtocolParseError(found.message, cutLine(line), found.code);
      case "event":
        this.#takeEvent(found, line);
        return;
      case "global":
        this.#takeGlobal(parse(line) as ServerInboundMessage, found);
        return;
      case "response": {
        const response = parse(line) as CodexResponse;
        if (run.handshake?.accept(response) !== true) this.#takeGlobal(response, found);
      }
    }
  }

  #takeEvent(found: Extract<LineClass, { type: "event" }>, line: string): void {
    const kept = this.#redacted(line);
    const message = kept === line ? found : asEvent(classifyLine(kept), kept);
    const { cutStart, cutEnd, emittedAtMs } = message;
    this.#deliver(message, kept.slice(0, cutStart) + kept.slice(cutEnd), emittedAtMs ?? Date.now());
  }

  #redacted(line: string): string {
    return this.#config.redact === false ? line : redactMessage(line);
  }

  #deliver(message: NumberedMessage & { readonly kind: string }, payloadJson: string, createdAt: number): void {
    this.#events += 1;
    const stub = oversizeStub(payloadJson);
    const { eventId, threadId, turnId, streamId, cursorStart, cursorEnd } = this.#numbering.number(message);
    const event = eventOf({ eventId, threadId, turnId, streamId, cursorStart, cursorEnd, kind: message.kind, payloadJson, createdAt });
    if (stub !== undefined) this.#tellCut(event);
    this.#delivery.push(stub === undefined ? event : { ...event, payloadJson: stub });
  }

  #tellCut(whole: NormalizedEvent): void {
    const { kind, payloadJson } = whole;
    this.#report(payloadJson, new CodexBridgeError("E_BRIDGE_EVENT_TOO_LARGE", `a message \`${kind}\` is over 3 MiB: what stands for it is kept`));
    this.#guard("onEventCut", kind, () => this.#handlers.onEventCut?.(whole));
  }

  #takeGlobal(message: ServerInboundMessage, classification: ClassifiedMessage): void {
    this.#globalMessages += 1;
    const line = "method" in message ? message.method : "";
    this.#guard("onGlobalMessage", line, () => this.#handlers.onGlobalMessage(message, classification));
  }

  #guard(handler: string, line: string, call: () => Promise<void> | void): void {
    const told = async (): Promise<void> => call();
    told().catch((thrown: unknown) => this.#handlerFailed(handler, line, thrown));
  }

  #handlerFailed(handler: string, line: string, thrown: unknown): void {
    const message = `${handler} failed: ${messageOf(thrown)}`;
    this.#report(line, new CodexBridgeError("E_BRIDGE_HANDLER_FAILED", message, thrown));
  }

  #report(line: string, error: BridgeError["error"]): void {
    this.#errors.set(error.code, (this.#errors.get(error.code) ?? 0) + 1);
    const kept = cutLine(this.#redacted(line));
    // What is no JSON stands in the message that says so, too.
    const isParse = error instanceof CodexProtocolParseError;
    const about = isParse ? new CodexProtocolParseError(this.#redacted(error.message), kept, error.code) : error;
    const told = async (): Promise<void> => this.#handlers.onProtocolError({ line: kept, error: about });
    // A handler of errors that fails has nobody left to be told.
    told().catch(() => undefined);
  }
}

/** A line without its secrets is what it was. */
function asEvent(found: LineClass, line: string): Extract<LineClass, { type: "event" }> {
  if (found.type === "event") return found;
  throw new CodexProtocolParseError("a line without its secrets is another message", cutLine(line), "E_INTERNAL");
}

/** @throws CodexProtocolParseError `code` */
function parse(line: string, code = "E_BRIDGE_LINE_NOT_JSON"): unknown {
  try {
    return JSON.parse(line);
  } catch (thrown) {
    throw new CodexProtocolParseError(`line is not JSON: ${messageOf(thrown)}`, cutLine(line), code);
  }
}
