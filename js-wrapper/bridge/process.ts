import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { statSync } from "node:fs";
import path from "node:path";
import { messageOf } from "../coded-error.js";
import { childEnvironment, type EnvironmentChanges, findBinary } from "./binary.js";
import { CodexBridgeError } from "./errors.js";

/** Milliseconds between SIGTERM and SIGKILL. */
export const KILL_AFTER_MS = 5_000;

/** Milliseconds that a dead process's pipes are read on: a grandchild may hold them open for ever. */
export const DRAIN_AFTER_EXIT_MS = 2_000;

/** Milliseconds after SIGKILL at which a process that is still there is left to itself. */
const ABANDON_AFTER_MS = 5_000;

/** UTF-16 units of stderr that are kept: its last words. */
const STDERR_UNITS_MAX = 16 * 1024;

/** What is spawned. */
interface ProcessConfig extends EnvironmentChanges {
  readonly codexBin?: string | undefined;
  readonly cwd?: string | undefined;
  readonly args?: readonly string[] | undefined;
}

/** How a process ended. */
export interface ProcessEnd {
  /** None where a signal ended it, or it never ran. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Its last words on stderr. */
  readonly stderrTail: string;
  /** Why it never ran. */
  readonly error?: CodexBridgeError;
}

/** Who is told what the process does. */
export interface ProcessListener {
  /** It runs: told before anything else, and never of one that could not be started. */
  onSpawn(): void;
  onStdout(chunk: Uint8Array): void;
  /** A pipe broke or a signal could not be sent; the end is told apart from it. */
  onFault(error: CodexBridgeError): void;
  /** Once, after the last onStdout. Never called before the constructor has returned. */
  onEnd(end: ProcessEnd): void;
}

/** A way to one app-server: its process, or a connection to one that runs. It never throws: what goes wrong is told to the listener. */
export interface CodexLink {
  /** What an app-server that is going does not read is lost with it. */
  write(text: string): void;
  pause(): void;
  resume(): void;
  /** The end is told as any other. */
  terminate(): void;
}

const DEFAULT_ARGS = ["app-server"];

/** One app-server process. */
export class CodexProcess implements CodexLink {
  readonly #listener: ProcessListener;
  readonly #child: ChildProcessWithoutNullStreams | undefined;
  readonly #timers = new Set<NodeJS.Timeout>();
  #stderrTail = "";
  #exit: { code: number | null; signal: NodeJS.Signals | null } | undefined;
  #terminating = false;
  #ended = false;

  /**
   * Starts the process.
   *
   * @param config the binary and how it is run
   * @param listener is told everything, the failure to start included
   */
  constructor(config: ProcessConfig, listener: ProcessListener) {
    this.#listener = listener;
    try {
      this.#child = this.#attach(spawnChild(config));
    } catch (thrown) {
      this.#child = undefined;
      const error = thrown instanceof CodexBridgeError ? thrown : spawnFailed(thrown);
      queueMicrotask(() => this.#end(error));
    }
  }

  /** Writes to stdin; what a process that is going does not read is lost with it. */
  write(text: string): void {
    this.#child?.stdin.write(text);
  }

  /** Stops reading stdout, until {@link resume}: the process waits when its pipe is full. */
  pause(): void {
    if (this.#exit === undefined) this.#child?.stdout.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#child?.stdout.resume();
  }

  /** Asks the process to go, then makes it. The end is told as any other. */
  terminate(): void {
    if (this.#terminating || this.#ended || this.#exit !== undefined) return;
    this.#terminating = true;
    this.#child?.stdin.end();
    this.#signal("SIGTERM");
    this.#after(KILL_AFTER_MS, () => {
      this.#signal("SIGKILL");
      this.#after(ABANDON_AFTER_MS, () => this.#end());
    });
  }

  #attach(child: ChildProcessWithoutNullStreams): ChildProcessWithoutNullStreams {
    child.stdout.on("data", (chunk: Uint8Array) => {
      if (!this.#ended) this.#listener.onStdout(chunk);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderrTail = (this.#stderrTail + text).slice(-STDERR_UNITS_MAX);
    });
    for (const pipe of [child.stdin, child.stdout, child.stderr]) {
      pipe.on("error", (thrown: Error) => this.#fault(thrown));
    }
    child.on("spawn", () => {
      if (!this.#ended) this.#listener.onSpawn();
    });
    child.on("error", (thrown) => {
      if (child.pid === undefined) this.#end(spawnFailed(thrown));
      else this.#fault(thrown);
    });
    child.on("exit", (code, signal) => {
      this.#exit = { code, signal };
      child.stdout.resume();
      this.#after(DRAIN_AFTER_EXIT_MS, () => this.#end());
    });
    child.on("close", () => this.#end());
    return child;
  }

  #fault(thrown: Error): void {
    // A process that is going reads no more: its end says so.
    const isGoing = this.#terminating || this.#ended || this.#exit !== undefined;
    if (isGoing || ("code" in thrown && thrown.code === "EPIPE")) return;
    this.#listener.onFault(new CodexBridgeError("E_BRIDGE_PIPE_FAILED", messageOf(thrown), thrown));
  }

  #signal(signal: NodeJS.Signals): void {
    // A child whose spawn failed has no pid, and a signal to none can reach this process's own group.
    if (this.#child?.pid === undefined || this.#exit !== undefined) return;
    this.#child.kill(signal);
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  #end(error?: CodexBridgeError): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#child?.stdout.destroy();
    this.#child?.stderr.destroy();
    this.#child?.stdin.destroy();
    const { code, signal } = this.#exit ?? { code: null, signal: null };
    this.#listener.onEnd({ code, signal, stderrTail: this.#stderrTail, ...(error === undefined ? {} : { error }) });
  }
}

function spawnChild(config: ProcessConfig): ChildProcessWithoutNullStreams {
  const cwd = path.resolve(config.cwd ?? process.cwd());
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new CodexBridgeError("E_BRIDGE_CWD_NOT_FOUND", `no such folder to work in: \`${cwd}\``);
  }
  return spawn(findBinary(config.codexBin, cwd, process.env), config.args ?? DEFAULT_ARGS, {
    cwd,
    env: childEnvironment(process.env, config),
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
  });
}

function spawnFailed(thrown: unknown): CodexBridgeError {
  return new CodexBridgeError("E_BRIDGE_SPAWN_FAILED", `codex could not be started: ${messageOf(thrown)}`, thrown);
}
