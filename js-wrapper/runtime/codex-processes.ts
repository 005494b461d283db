import type { AppServerClient, ClientRequestParams } from "../app-server/index.js";
import { codeOf, CodexRuntimeError, isRefusedByCodex, isRefusedByConvex } from "./errors.js";
import type { ProcessName } from "./request-records.js";
import { Supervisor } from "./supervisor.js";
import type { RuntimeBridge } from "./types.js";

/** What {@link CodexProcesses} are made of. */
interface CodexProcessesOptions {
  readonly bridge: Pick<RuntimeBridge, "start" | "stop">;
  /** Whether the bridge says when its process runs; one of the app's own need not. */
  readonly tellsStart: boolean;
  readonly client: Pick<AppServerClient, "request" | "notify" | "rejectAll">;
  /** Said by the bridge, or else by the runtime: once to each process. */
  readonly initialize: ClientRequestParams<"initialize">;
  readonly runtimeId: string;
  /** Of the first process: what its events' ids name. */
  readonly generation: number;
  /** That of each further one. */
  readonly nextGeneration: () => number;
  /** A process runs, and was asked to initialize. */
  readonly started: () => void;
  /** It has ended. */
  readonly ended: () => void;
  /** Loads in a process what the one before it had; rejected with why that cannot be. */
  readonly load: () => Promise<void>;
  /** It is there, and what it was to load was refused. */
  readonly refused: () => void;
  /** It ended by itself, and is started again. */
  readonly reconnecting: () => void;
  /** It ended too often: it is not started again. */
  readonly gaveUp: (error: CodexRuntimeError) => void;
  /** What failed on the way. */
  readonly failed: (thrown: unknown) => void;
}

interface Settle {
  resolve(): void;
  reject(error: unknown): void;
}

/** The processes of codex between a start of the runtime and its stop, one after another: each that ends by itself is followed by another. */
export class CodexProcesses {
  readonly #options: CodexProcessesOptions;
  readonly #supervisor: Supervisor;
  /** Ids of requests begin anew in each, and so does the generation that its events' ids name. */
  #count = 0;
  #generation: number;
  #isBegun = false;
  #isStopping = false;
  #spawned: Settle | undefined;
  /** What went wrong last since the start of the newest one, as the bridge told. */
  #told: Error | undefined;
  /** Settles `ready` while a process is waited for that is to follow one that ended. */
  #back: Settle | undefined;
  #ready: Promise<void> = Promise.resolve();

  constructor(options: CodexProcessesOptions) {
    this.#options = options;
    this.#generation = options.generation;
    this.#supervisor = new Supervisor({ start: () => this.#startAgain(), giveUp: () => this.#giveUp() });
  }

  /** Resolves when a process runs and has its threads; rejected where none will. Another promise after each process. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** A process is to follow one that ended, and does not have its threads yet. */
  get isFollowing(): boolean {
    return this.#back !== undefined;
  }

  /** The one that runs, or ran last. */
  get name(): ProcessName {
    return { runtimeId: this.#options.runtimeId, generation: this.#generation, appGeneration: this.#count };
  }

  /** Starts the first one. @param load gives it its thread; {@link ready} waits for that @throws CodexRuntimeError where it does not run */
  async begin(load: () => Promise<void>): Promise<void> {
    await this.#start();
    this.#isBegun = true;
    this.#ready = load();
    this.#ready.catch((thrown: unknown) => this.#notLoaded(thrown));
  }

  /** The bridge says that its process runs. */
  spawned(): void {
    this.#spawned?.resolve();
  }

  /** What went wrong was told: what the bridge said last before a process ended that never ran is why it did not. */
  wentWrong(error: Error): void {
    this.#told = error;
  }

  /** The bridge says that its process has ended. */
  processEnded(): void {
    this.#spawned?.reject(this.#told ?? new CodexRuntimeError("E_BRIDGE_PROCESS_EXITED", "codex ended at once"));
    this.#options.client.rejectAll("codex ended");
    this.#options.ended();
    if (this.#isStopping || !this.#isBegun) return;
    if (this.#back === undefined) {
      this.#ready = new Promise((resolve, reject) => {
        this.#back = { resolve, reject };
      });
      // Whoever waits for it is told.
      this.#ready.catch(() => undefined);
    }
    if (this.#supervisor.ended()) this.#options.reconnecting();
  }

  /** The runtime's own thread is there, where another one was refused too. */
  goesOn(): void {
    this.#supervisor.isReady();
    if (this.#back === undefined) this.#ready = Promise.resolve();
  }

  /** Ends the process that runs; another one follows. @returns when that has its threads */
  async startAnew(): Promise<void> {
    await this.#options.bridge.stop();
    await this.#ready;
  }

  /** Ends the process; none follows. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#supervisor.stop();
    await this.#options.bridge.stop();
    this.#options.client.rejectAll("the runtime was stopped");
    this.#back?.reject(new CodexRuntimeError("E_RUNTIME_NOT_RUNNING", "the runtime was stopped"));
  }

  /** @returns when it runs */
  async #start(): Promise<void> {
    const { bridge, tellsStart, client, initialize, nextGeneration, started, failed } = this.#options;
    this.#count += 1;
    this.#told = undefined;
    // The bridge counts up with every start: what it is given is the first.
    if (this.#count > 1) this.#generation = nextGeneration();
    const spawned = new Promise<void>((resolve, reject) => {
      this.#spawned = { resolve, reject };
    });
    bridge.start();
    if (!tellsStart) setImmediate(() => this.spawned());
    await spawned.finally(() => {
      this.#spawned = undefined;
    });
    // Not waited for: what is asked next waits behind it, in the bridge or in the pipe.
    client.request("initialize", initialize).catch(failed);
    client.notify("initialized");
    started();
  }

  #startAgain(): void {
    const back = this.#start().then(() => this.#options.load());
    back.then(
      () => {
        this.#back?.resolve();
        this.#back = undefined;
      },
      (thrown: unknown) => this.#notLoaded(thrown),
    );
  }

  #notLoaded(thrown: unknown): void {
    const { bridge, failed, refused } = this.#options;
    if (thrown !== this.#told) failed(thrown);
    // A process that died is followed by another, and so is one that does not answer.
    if (codeOf(thrown) === "E_APP_SERVER_TIMEOUT") void bridge.stop();
    // What was refused stays so, until the runtime goes on in a thread.
    if (!isRefusedByCodex(thrown) && !isRefusedByConvex(thrown)) return;
    refused();
    this.#back?.reject(thrown);
    this.#back = undefined;
  }

  #giveUp(): void {
    const error = new CodexRuntimeError("E_RUNTIME_GAVE_UP", "codex ended 10 times in 5 minutes");
    this.#back?.reject(error);
    this.#options.gaveUp(error);
  }
}
