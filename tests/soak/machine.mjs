// A machine of the team: a folder, a network of its own, and a host process that is killed, stopped and started again over the same outbox.
import { fork, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const HOST = path.join(import.meta.dirname, "host.mjs");
/** Units of what a host printed that are told where it ends by itself. */
const WORDS_KEPT = 600;
/** A host that is asked to go has so long. */
const GOODBYE_MS = 20_000;
const AGAIN_MS = 2_000;

export class Machine {
  /** What its host told of since it was looked at last. */
  problems = [];
  /** When its host or its codex was ended, in milliseconds since 1970. */
  deaths = [];
  /** When something was done to it last; set by who did. */
  disturbedAt = Date.now();
  /** What its host said last of how it stands. */
  stands = undefined;
  /** Since when its host has its threads, and since when there is none; undefined where it is not so. */
  readyAt = undefined;
  downSince = undefined;
  /** The signal that ended it last. */
  endedBy = undefined;
  #child;
  #ended;
  #cpuMs = 0;

  constructor({ name, user, threads, folder, token, network, onStrange }) {
    Object.assign(this, { name, user, threads, folder, token, network, onStrange });
    mkdirSync(folder, { recursive: true });
    this.clockFile = path.join(folder, "clock");
    this.history = path.join(folder, "history.jsonl");
    writeFileSync(this.history, "");
    this.stepClock(0);
  }

  /** Starts its host, over the outbox that is there. */
  start() {
    const args = { url: this.network.url, deviceToken: this.token, folder: this.folder, machine: this.name, threads: this.threads };
    const child = fork(HOST, [JSON.stringify(args)], { env: { ...process.env, SOAK_CLOCK: this.clockFile }, silent: true });
    this.#child = child;
    this.isWanted = true;
    this.downSince = undefined;
    let words = "";
    const heard = (chunk) => (words = (words + String(chunk)).slice(-WORDS_KEPT));
    child.stderr.on("data", heard);
    child.stdout.on("data", heard);
    let cpu;
    child.on("message", (message) => {
      if (message.type === "ready") this.readyAt = Date.now();
      else if (message.type === "problem") this.problems.push({ at: Date.now(), awayUntil: this.network.state.awayUntil, ...message });
      else {
        const ms = (message.cpu.user + message.cpu.system) / 1000;
        this.#cpuMs += ms - (cpu ?? 0);
        cpu = ms;
        this.stands = { ...message, at: Date.now() };
      }
    });
    this.#ended = new Promise((ended) =>
      child.on("close", (code, signal) => {
        if (this.#child !== child) return ended();
        this.#child = undefined;
        this.readyAt = undefined;
        this.downSince = Date.now();
        ended();
        if (!this.isWanted) return;
        this.onStrange(`the host of ${this.name} ended by itself: ${signal ?? code}: ${words}`);
        setTimeout(() => this.isWanted && this.#child === undefined && this.start(), AGAIN_MS).unref();
      }),
    );
  }

  get pid() {
    return this.#child?.pid;
  }

  get isUp() {
    return this.#child !== undefined;
  }

  /** Ends the host, its codex with it; `SIGTERM` lets it say goodbye. */
  async end(signal) {
    if (this.#child === undefined) return;
    this.isWanted = false;
    this.endedBy = signal;
    this.deaths.push(Date.now());
    const killer = setTimeout(() => this.#child?.kill("SIGKILL"), GOODBYE_MS);
    this.#child.kill(signal);
    await this.#ended;
    clearTimeout(killer);
    this.deaths.push(Date.now());
  }

  /** Kills its codex, and lets the host be. */
  killCodex() {
    const { stdout: pids } = spawnSync("pgrep", ["-P", String(this.pid)], { encoding: "utf8" });
    this.deaths.push(Date.now());
    for (const pid of pids.split("\n").filter(Boolean)) {
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It was gone already.
      }
    }
  }

  /** Sets its wall clock, in milliseconds from the true time. */
  stepClock(offMs) {
    writeFileSync(this.clockFile, String(offMs));
  }

  /** Milliseconds of processor time that its hosts took since this was asked last. */
  takeCpuMs() {
    const ms = this.#cpuMs;
    this.#cpuMs = 0;
    return ms;
  }

  /** What its codex noted, in order. */
  noted() {
    return readFileSync(this.history, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  /** Bytes of its outbox's files. */
  outboxBytes() {
    const bytesOf = (folder) =>
      readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
        try {
          const at = path.join(folder, entry.name);
          return sum + (entry.isDirectory() ? bytesOf(at) : statSync(at).size);
        } catch {
          return sum;
        }
      }, 0);
    try {
      return bytesOf(path.join(this.folder, "outbox"));
    } catch {
      return 0;
    }
  }

  /** Starts its host again, later. */
  async startAfter(ms) {
    await sleep(ms);
    this.start();
  }
}
