/** Scenarios of tools/codex-kit, done by a runtime in the place of the recorder. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { AppServerError } from "../../js-wrapper/app-server/index.js";
import { createCodexHostRuntime, type CodexHostRuntime } from "../../js-wrapper/runtime/runtime.js";
import { mockEnvironment, writeConfig } from "../../tools/codex-kit/codex-home.mjs";
import { startMock } from "../../tools/codex-kit/mock-responses-server.mjs";
import type { Component } from "../convex/build.js";
import { persistenceOver, START } from "./build.js";

const KIT = path.join(import.meta.dirname, "../../tools/codex-kit");
const STEP_TIMEOUT_MS = 20_000;

type Json = Record<string, unknown>;
interface Step {
  request?: string;
  params?: unknown;
  save?: Record<string, string>;
  expectError?: boolean;
  noWait?: boolean;
  as?: string;
  awaitResponse?: string;
  await?: string;
  where?: Json;
  count?: number;
  keep?: boolean;
  sleep?: number;
  restart?: string;
}
interface Rule {
  method: string;
  where?: Json;
  times?: number;
  result?: unknown;
  error?: { code: number; message: string };
  delayMs?: number;
  never?: boolean;
}
interface Scenario {
  model?: { replies?: { steps: object[] }[] };
  config?: object;
  provider?: object;
  mcpServers?: object;
  files?: Record<string, string>;
  setup?: string[][];
  answers?: Rule[];
  args?: string[];
  env?: Record<string, string>;
  settleMs?: number;
  steps: Step[];
}

const at = (value: unknown, where: string): unknown => where.split(".").reduce<unknown>((from, key) => (from as Json | undefined)?.[key], value);
const matches = (message: unknown, where: Json = {}) => Object.entries(where).every(([key, want]) => at(message, key) === want);

export const scenarioOf = (name: string) => JSON.parse(readFileSync(path.join(KIT, "scenarios", `${name}.json`), "utf8")) as Scenario;

/** A runtime with a real codex of its own, over a component, that does what a scenario says. */
export class ScenarioRun {
  readonly runtime: CodexHostRuntime;
  readonly problems: string[] = [];
  readonly #scenario: Scenario;
  readonly #vars: Record<string, unknown>;
  readonly #outboxFolder: string;
  #inbox: Json[] = [];
  readonly #answered = new Map<Rule, number>();
  readonly #pending = new Map<string, () => Promise<void>>();

  private constructor(component: Component, scenario: Scenario, codexBin: string, folders: Record<"root" | "workspace" | "home" | "tmp", string>) {
    this.#scenario = scenario;
    this.#vars = { workspace: folders.workspace, codexHome: folders.home, kit: KIT, node: process.execPath };
    this.#outboxFolder = path.join(folders.root, "outbox");
    const env = { ...mockEnvironment(folders.home), TMPDIR: folders.tmp, HOME: folders.root, ...(this.#fill(scenario.env ?? {}) as Record<string, string>) };
    this.runtime = createCodexHostRuntime({
      persistence: persistenceOver(component),
      bridge: { codexBin, cwd: folders.workspace, env, args: ["app-server", ...(scenario.args ?? [])] },
      outboxFolder: this.#outboxFolder,
      handlers: {
        onEvent: ({ payloadJson }) => this.#saw(JSON.parse(payloadJson) as Json),
        onGlobalMessage: (message) => this.#saw(message as unknown as Json),
        onProtocolError: ({ code, message }) => void this.problems.push(`${code} ${message}`),
      },
    });
    onTestFinished(() => this.runtime.stop());
  }

  static async start(component: Component, name: string, codexBin: string): Promise<ScenarioRun> {
    const scenario = scenarioOf(name);
    // Codex keeps no helpers below the temporary folder, so that is another one for it.
    const root = realpathSync(mkdtempSync(path.join(tmpdir(), "codex-scenario-")));
    const folders = { root, workspace: path.join(root, "workspace"), home: path.join(root, "home"), tmp: path.join(root, "tmp") };
    for (const folder of [folders.workspace, folders.home, folders.tmp]) mkdirSync(folder);
    const mock = await startMock(scenario.model);
    onTestFinished(async () => {
      await mock.close();
      rmSync(root, { recursive: true, force: true });
    });
    const run = new ScenarioRun(component, scenario, codexBin, folders);
    const { config = {}, provider = {}, mcpServers = {} } = run.#fill(scenario) as Scenario;
    writeConfig(folders.home, mock.baseUrl, { config, provider, mcpServers });
    for (const [file, text] of Object.entries(scenario.files ?? {})) {
      mkdirSync(path.dirname(path.join(folders.workspace, file)), { recursive: true });
      writeFileSync(path.join(folders.workspace, file), text);
    }
    for (const [command = "", ...args] of scenario.setup ?? []) execFileSync(command, args, { cwd: folders.workspace, stdio: "ignore" });
    await run.runtime.start({ actor: START.actor, sessionId: START.sessionId });
    await run.runtime.ready();
    return run;
  }

  async play(): Promise<void> {
    for (const step of this.#scenario.steps) await this.#do(step);
    await sleep(this.#scenario.settleMs ?? 150);
  }

  async #do(step: Step): Promise<void> {
    // The bridge has said initialize, and answers with that.
    if (step.request === "initialize") return;
    if (step.request !== undefined) {
      const asked = this.#ask(step.request, this.#fill(step.params)).then(
        (result) => ({ result }),
        (thrown: unknown) => ({ error: thrown }),
      );
      const take = async () => {
        const answer: { result?: unknown; error?: unknown } = await asked;
        if ("error" in answer !== (step.expectError ?? false)) throw new Error(`${String(step.request)}: ${JSON.stringify(answer)} ${String(answer.error)}`);
        if (answer.error !== undefined && !(answer.error instanceof AppServerError)) throw answer.error as Error;
        for (const [name, where] of Object.entries(step.save ?? {})) this.#vars[name] = at(answer, where);
      };
      if (step.noWait === true) this.#pending.set(step.as ?? step.request, take);
      else await take();
    } else if (step.awaitResponse !== undefined) await this.#pending.get(step.awaitResponse)?.();
    else if (step.await !== undefined) await this.#await(step as Step & { await: string });
    else if (step.sleep !== undefined) await sleep(step.sleep);
    else if (step.restart !== undefined) await this.#restart(step.restart);
    else throw new Error(`a step that is not known here: ${JSON.stringify(step)}`);
  }

  /** As an app does it: what the runtime has a name for, by that name. */
  async #ask(method: string, params: unknown): Promise<unknown> {
    if (method !== "thread/fork") return this.runtime.appServer.requestUntyped(method, params);
    const { threadId, ...more } = params as { threadId: string };
    return this.runtime.forkThread(threadId, more);
  }

  async #await({ await: method, where, count = 1, keep = false, save = {} }: Step & { await: string }): Promise<void> {
    const wanted = this.#fill(where ?? {}) as Json;
    const end = Date.now() + STEP_TIMEOUT_MS;
    for (;;) {
      let seen = 0;
      const index = this.#inbox.findIndex((message) => message["method"] === method && matches(message, wanted) && ++seen >= count);
      if (index >= 0) {
        for (const [name, from] of Object.entries(save)) this.#vars[name] = at(this.#inbox[index], from);
        this.#inbox = keep ? this.#inbox.filter((_, place) => place !== index) : this.#inbox.slice(index + 1);
        return;
      }
      if (Date.now() > end) throw new Error(`timed out waiting for ${method} ${JSON.stringify(wanted)}`);
      await sleep(20);
    }
  }

  /** Ends codex: by its own death, after which the runtime starts it again, or with the whole runtime. */
  async #restart(how: string): Promise<void> {
    this.#inbox = [];
    if (how === "SIGKILL") {
      for (const pid of execFileSync("pgrep", ["-P", String(process.pid), "codex"], { encoding: "utf8" }).split("\n").filter(Boolean)) process.kill(Number(pid), "SIGKILL");
      while (this.runtime.getState().phase !== "reconnecting") await sleep(10);
    } else {
      const { runtimeThreadId } = this.runtime.getState();
      await this.runtime.stop();
      await this.runtime.start({ actor: START.actor, sessionId: START.sessionId, ...(runtimeThreadId === null ? {} : { threadStrategy: "start" }) });
    }
    await this.runtime.ready();
  }

  #saw(message: Json): void {
    if (message["method"] === undefined) return;
    this.#inbox.push(message);
    if (message["id"] !== undefined) void this.#answer(message as { id: string | number; method: string });
  }

  async #answer(message: { id: string | number; method: string }): Promise<void> {
    const fits = (rule: Rule) => rule.method === message.method && matches(message, this.#fill(rule.where ?? {}) as Json) && (this.#answered.get(rule) ?? 0) < (rule.times ?? Infinity);
    const rule = this.#scenario.answers?.find(fits);
    if (rule === undefined || rule.never === true) return;
    this.#answered.set(rule, (this.#answered.get(rule) ?? 0) + 1);
    await sleep(rule.delayMs ?? 0);
    if (rule.error !== undefined) this.runtime.refuse(message.id, rule.error);
    else this.runtime.respond(message.id, this.#fill(rule.result));
  }

  #fill(value: unknown): unknown {
    if (typeof value === "string") {
      const whole = /^\$\{(\w+)\}$/.exec(value)?.[1];
      if (whole !== undefined) return this.#vars[whole] ?? value;
      return value.replace(/\$\{(\w+)\}/g, (text, name: string) => (this.#vars[name] as string | undefined) ?? text);
    }
    if (Array.isArray(value)) return value.map((member) => this.#fill(member));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.#fill(member)]));
  }
}
