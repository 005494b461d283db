/** The mailbox on the real component: what becomes of a command where machines, networks and people do their worst. */
import { createHash } from "node:crypto";
import type { ApiFromModules, FunctionArgs, UserIdentity } from "convex/server";
import { anyApi, getFunctionName, makeFunctionReference, mutationGeneric } from "convex/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { defineCodexHost, resolveActorFromAuth } from "../../js-wrapper/host/convex.js";
import type { CommandOutcome, DeliveredCommand } from "../../js-wrapper/runtime/command-delivery.js";
import type { ClaimedCommand, InterruptCommand } from "../../js-wrapper/runtime/claimed-command.js";
import { FOLLOW_EVERY_MS } from "../../js-wrapper/runtime/following.js";
import { Heartbeat } from "../../js-wrapper/runtime/heartbeat.js";
import { codeOf } from "../../js-wrapper/runtime/errors.js";
import { Mailbox } from "../../js-wrapper/runtime/mailbox.js";
import { outcomeOfStop, Stopping } from "../../js-wrapper/runtime/stopping.js";
import { createConvexPersistence, type CodexBridgeClient, type CodexPersistence } from "../../js-wrapper/runtime/persistence.js";
import { ManualClock } from "../runtime/manual-clock.js";
import { Turns } from "../runtime/turns.js";
import { codexLocal, startApp, type App } from "./app.js";
import { refusal, runScheduledNow, SESSION, THREAD, TURN, TurnStream, type StreamEvent } from "./build.js";

const MINUTE = 60_000;
const ANN = { subject: "ann", issuer: "https://id.test", tokenIdentifier: "https://id.test|ann", sid: "phone" } satisfies Partial<UserIdentity>;
const SETTINGS = { started: { cwd: "/w", sandboxPolicy: { type: "readOnly" }, approvalPolicy: "on-request" } };

/** What Codex asks, and its hash. */
const METHOD = "item/commandExecution/requestApproval";
const ASKED = JSON.stringify({ method: METHOD, id: 0, params: { threadId: THREAD, turnId: TURN, itemId: "i", command: "ls", cwd: "/w" } });
const SHOWN = createHash("sha256").update(ASKED).digest("hex");
const REQUEST = { id: 0, method: METHOD, params: {}, payloadJson: ASKED, askedAt: 1 };

/** What a cron runs every minute. */
const cron = {
  sweep: mutationGeneric(async (ctx) => {
    const { expireCommands } = codexLocal.commands as unknown as { expireCommands: typeof codexLocal.commands.cancel };
    await ctx.runMutation(expireCommands, {} as never);
  }),
};
const sweep = makeFunctionReference<"mutation">("cron:sweep");

const chat = defineCodexHost(codexLocal, { actor: resolveActorFromAuth });
type Chat = ApiFromModules<{ chat: typeof chat }>["chat"];
const host = anyApi["chat"] as unknown as Chat;

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

/** A point at which a process can end. */
type Point = "journal" | "after the journal" | "before delivered" | "after delivered" | "before Codex" | "after Codex" | "before accepted" | "after accepted" | "settled" | "after settled";

/** What a machine keeps when its process ends: the journal, and Codex's history. */
class Machine {
  readonly journal = new Map<string, DeliveredCommand>();
  /** What Codex was given, in order, by all processes. */
  readonly given: ClaimedCommand[] = [];
  /** By echo, the turn that holds the message. */
  readonly history = new Map<string, string>();
  /** Requests that wait in the process that runs. */
  readonly requests = new Set<string | number>();
  policyJson = "{}";
  /** How it stops a turn; where it has nothing, an interrupt is taken at once. */
  stopping: Stopping | undefined;
  /** The point at which the process ends, by standing still for ever. */
  dies: Point | undefined;
  /** The turn that the beats tell of. */
  running: string | undefined;
  /** The process of it that runs. */
  process: { mailbox: Mailbox; turns: Turns; heartbeat: Heartbeat; lost: string[] } | undefined;
  generation = 0;
  readonly runtimeId: string;
  readonly deviceToken: string;
  readonly world: World;

  constructor(world: World, runtimeId: string, deviceToken: string) {
    this.world = world;
    this.runtimeId = runtimeId;
    this.deviceToken = deviceToken;
  }

  get mailbox(): Mailbox {
    return this.process!.mailbox;
  }

  /** A turn runs in its Codex. */
  starts(turnId: string): void {
    this.process!.turns.start(THREAD, turnId);
  }

  ends(turnId: string): void {
    this.process!.turns.end(this.mailbox, THREAD, turnId);
  }

  /** Starts the process, bound to the thread unless it is only to look at it. */
  async start(isBound = true): Promise<void> {
    const { world, runtimeId, deviceToken, journal } = this;
    const generation = ++this.generation;
    const persistence = createConvexPersistence(world.client, host, { deviceToken, clock: world.clock });
    await persistence.ensureThread({ localThreadId: THREAD });
    if (isBound) await persistence.ensureSession({ sessionId: SESSION, threadId: THREAD, runtimeId, generation });
    const lost: string[] = [];
    const act = async (command: ClaimedCommand) => {
      await this.#mayDie("before Codex");
      const outcome = this.#codex(command);
      await this.#mayDie("after Codex");
      return outcome;
    };
    const interrupt = async (command: InterruptCommand) => {
      if (this.stopping === undefined) return act(command);
      const { turnId, force } = command;
      return outcomeOfStop(await this.stopping.stop(THREAD, turnId, force), turnId);
    };
    const take = (command: ClaimedCommand) => act(command) as Promise<{ type: "accepted"; turnId: string }>;
    const turns = new Turns();
    const mailbox = new Mailbox({
      ...{ runtimeId, generation, clock: world.clock, turns },
      persistence: { ...persistence, reportCommand: (report) => this.#report(persistence, report) },
      journal: {
        delivered: async (command) => {
          await this.#mayDie("journal");
          journal.set(command.commandId, command);
          await this.#mayDie("after the journal");
        },
        settled: async (commandId) => {
          await this.#mayDie("settled");
          journal.delete(commandId);
          await this.#mayDie("after settled");
        },
        open: async () => [...journal.values()],
      },
      machine: {
        policyJson: () => this.policyJson,
        settings: () => SETTINGS,
        request: (_, { requestId }) => (this.requests.has(requestId) ? { request: { ...REQUEST, id: requestId }, payloadSha256: SHOWN, isRedacted: false } : null),
      },
      actions: { turn: take, steer: act, interrupt, decide: act, answer: act },
      findEcho: async ({ echoId }) => {
        const turnId = this.history.get(echoId);
        return turnId === undefined ? null : { turnId };
      },
      onLost: (_, thrown) => lost.push(codeOf(thrown)),
    });
    const tell = () => ({ phase: "ready" as const, threads: [{ threadId: THREAD, pendingRequests: 0, outboxEvents: 0, ...(this.running && { turnId: this.running }) }] });
    const heartbeat = new Heartbeat({
      ...{ runtimeId, generation, clock: world.clock, persistence, tell },
      isAtWork: (threadId) => mailbox.isAtWork(threadId),
      letsLapse: (threadId) => mailbox.mayLapse(threadId),
      onAnswer: ({ commandsWaiting }) => {
        if (commandsWaiting > 0) mailbox.wake();
      },
    });
    this.process = { mailbox, turns, heartbeat, lost };
    mailbox.follow(THREAD);
    await world.quiet();
  }

  /** Ends the process: nothing of it does anything any more. */
  async end(): Promise<void> {
    await this.world.quiet();
    this.process!.mailbox.stop();
    this.process!.heartbeat.stop();
    this.dies = undefined;
    this.requests.clear();
  }

  /** The same machine's next process. */
  async restart(): Promise<void> {
    await this.end();
    await this.start();
  }

  #codex(command: ClaimedCommand): CommandOutcome {
    this.given.push(command);
    if (command.kind === "turn") {
      const turnId = `codex ${this.given.length}`;
      this.history.set(command.params.clientUserMessageId, turnId);
      return { type: "accepted", turnId };
    }
    if (command.kind === "decide" || command.kind === "answer") this.requests.delete(command.request.id);
    if (command.kind === "steer") this.history.set(command.params.clientUserMessageId, command.params.expectedTurnId);
    return { type: "accepted" };
  }

  async #report(persistence: CodexPersistence, report: Parameters<CodexPersistence["reportCommand"]>[0]): Promise<void> {
    if (report.state === "delivered" || report.state === "accepted") await this.#mayDie(`before ${report.state}`);
    await persistence.reportCommand(report);
    if (report.state === "delivered" || report.state === "accepted") await this.#mayDie(`after ${report.state}`);
  }

  #mayDie(point: Point): Promise<void> | undefined {
    return this.dies === point ? new Promise(() => undefined) : undefined;
  }
}

type Send = Partial<FunctionArgs<Chat["sendCommand"]>>;

/** An app, a person with a phone, and a network. */
class World {
  readonly app: App = startApp({ chat, cron });
  readonly ann = this.app.withIdentity(ANN);
  readonly clock = new ManualClock(() => this.quiet());
  /** How the next calls of the bridge's function of that name fail: before they arrive, or on their way back. */
  readonly network: [name: string, how: "lost" | "answer lost"][] = [];
  readonly client: CodexBridgeClient;
  #calls = 0;
  #sweptAt = Date.now();

  constructor() {
    const call = (ask: (reference: never, args: never) => Promise<unknown>) => async (reference: Parameters<typeof getFunctionName>[0], args: unknown): Promise<never> => {
      this.#calls += 1;
      try {
        const [name, how] = this.network[0] ?? [];
        const fails = name === getFunctionName(reference).slice("chat:".length);
        if (fails) this.network.shift();
        if (fails && how === "lost") throw new TypeError("fetch failed");
        const answer = await ask(reference as never, args as never);
        if (fails) throw new TypeError("fetch failed");
        return answer as never;
      } finally {
        this.#calls -= 1;
      }
    };
    this.client = { query: call(this.app.query as never), mutation: call(this.app.mutation as never) } as CodexBridgeClient;
  }

  /** A machine of Ann's that has not started. */
  async machine(runtimeId = "laptop"): Promise<Machine> {
    const { token } = await this.ann.mutation(host.issueDeviceToken, { deviceId: runtimeId, entropy: createDeviceEntropy() });
    return new Machine(this, runtimeId, token);
  }

  /** Until no call is on its way, and none follows from it. */
  async quiet(): Promise<void> {
    for (let idle = 0; idle < 5; idle = this.#calls === 0 ? idle + 1 : 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }

  /** Time goes on, for Convex and for the machines. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= FOLLOW_EVERY_MS) {
      const step = Math.min(left, FOLLOW_EVERY_MS);
      vi.setSystemTime(Date.now() + step);
      await this.clock.pass(step);
      if (Date.now() < this.#sweptAt + MINUTE) continue;
      this.#sweptAt = Date.now();
      await this.app.mutation(sweep, {});
      await runScheduledNow(this.app);
    }
    await this.quiet();
  }

  /** Whoever follows commands has heard of what was sent. */
  look = () => this.pass(FOLLOW_EVERY_MS);

  async send(commandId: string, args: Send = {}): Promise<void> {
    const payloadJson = JSON.stringify({ clientTurnId: `turn of ${commandId}`, input: [{ type: "text", text: `do ${commandId}` }] });
    await this.ann.mutation(host.sendCommand, { threadId: THREAD, commandId, kind: "turn", payloadJson, ...args });
  }

  cancel = (commandId: string) => this.ann.mutation(host.cancelCommand, { commandId });

  /** State, and code or turn, of each command by its id. */
  async fates(): Promise<Record<string, string>> {
    const { page } = await this.ann.query(host.listCommands, { threadId: THREAD, paginationOpts: { cursor: null, numItems: 50 } });
    return Object.fromEntries(page.map(({ commandId, state, code, turnId }) => [commandId, [state, code ?? turnId].filter((part) => part !== undefined).join(" ")]));
  }

  /** The machine's events arrive. */
  async tell(machine: Machine, deltas: StreamEvent[]): Promise<void> {
    const answer = await this.app.mutation(host.ingestBatch, { deviceToken: machine.deviceToken, sessionId: SESSION, threadId: THREAD, deltas });
    expect(answer.errors).toEqual([]);
  }
}

/** A machine that writes the thread. */
async function begin() {
  const world = new World();
  const machine = await world.machine();
  await machine.start();
  return { world, machine };
}

const namesOf = (machine: Machine) => machine.given.map(({ commandId }) => commandId);

describe("a command from afar", () => {
  test("reaches Codex once, and its sender is told of the turn", async () => {
    const { world, machine } = await begin();
    await world.send("a");
    await world.look();
    const params = { input: [{ type: "text", text: "do a" }], clientUserMessageId: "turn of a" };
    expect(machine.given).toEqual([{ threadId: THREAD, commandId: "a", kind: "turn", params }]);
    expect([await world.fates(), machine.journal.size]).toEqual([{ a: "accepted codex 1" }, 0]);
    await world.pass(5 * MINUTE);
    expect(machine.given).toHaveLength(1);
  });

  test("that was edited reaches it as it was edited", async () => {
    const { world, machine } = await begin();
    await world.send("a");
    const payloadJson = JSON.stringify({ clientTurnId: "turn of a", input: [{ type: "text", text: "no, this" }] });
    await world.ann.mutation(host.editCommand, { commandId: "a", payloadJson });
    await world.look();
    expect(machine.given).toMatchObject([{ params: { input: [{ text: "no, this" }] } }]);
  });

  test("beyond the machine's policy is refused, and reaches nothing", async () => {
    const { world, machine } = await begin();
    await world.send("a", { payloadJson: JSON.stringify({ cwd: "/etc", clientTurnId: "turn of a", input: [{ type: "text", text: "x" }] }) });
    await world.look();
    expect([await world.fates(), machine.given, machine.journal.size]).toEqual([{ a: "refused E_COMMAND_NOT_ALLOWED" }, [], 0]);
    machine.policyJson = "nonsense";
    await world.send("b");
    await world.look();
    expect([(await world.fates())["b"], machine.given]).toEqual(["refused E_COMMAND_NOT_ALLOWED", []]);
  });

  test("is one, whatever the network loses on the way there and back", async () => {
    for (const how of ["lost", "answer lost"] as const) {
      const { world, machine } = await begin();
      await world.send("a");
      world.network.push(["reportCommand", how], ["reportCommand", how], ["reportCommand", how]);
      await world.look();
      await world.pass(MINUTE);
      expect([world.network, namesOf(machine), await world.fates(), machine.journal.size], how).toEqual([[], ["a"], { a: "accepted codex 1" }, 0]);
    }
  });

  test("whose lease never arrives is handed out once more when that has lapsed", async () => {
    const { world, machine } = await begin();
    machine.process!.heartbeat.start();
    await world.send("a");
    world.network.push(["leaseCommands", "answer lost"]);
    await world.look();
    expect([await world.fates(), machine.given]).toEqual([{ a: "leased" }, []]);
    await world.pass(3 * MINUTE);
    expect([await world.fates(), namesOf(machine)]).toEqual([{ a: "accepted codex 1" }, ["a"]]);
  });
});

describe("the process ends", () => {
  const points: [Point, string, string[]][] = [
    ["journal", "accepted codex 1", ["a"]],
    ["after the journal", "accepted codex 1", ["a"]],
    ["before delivered", "accepted codex 1", ["a"]],
    ["after delivered", "unknown E_COMMAND_UNKNOWN", []],
    ["before Codex", "unknown E_COMMAND_UNKNOWN", []],
    ["after Codex", "accepted codex 1", ["a"]],
    ["before accepted", "accepted codex 1", ["a"]],
    ["after accepted", "accepted codex 1", ["a"]],
    ["settled", "accepted codex 1", ["a"]],
    ["after settled", "accepted codex 1", ["a"]],
  ];
  test.each(points)("%s: the next one leaves the command %s", async (point, fate, given) => {
    const { world, machine } = await begin();
    machine.dies = point;
    await world.send("a");
    await world.look();
    await machine.restart();
    await world.pass(2 * MINUTE);
    expect([await world.fates(), namesOf(machine), machine.journal.size]).toEqual([{ a: fate }, given, 0]);
  });

  test("again and again, and Codex gets it once", async () => {
    const { world, machine } = await begin();
    await world.send("a");
    for (const point of ["after the journal", "before delivered", "after Codex", "settled"] as const) {
      machine.dies = point;
      await world.look();
      await machine.restart();
    }
    await world.look();
    expect([await world.fates(), namesOf(machine), machine.journal.size]).toEqual([{ a: "accepted codex 1" }, ["a"], 0]);
  });

  test("and what is unknown is known when it is found later", async () => {
    const { world, machine } = await begin();
    machine.dies = "after Codex";
    await world.send("a");
    await world.look();
    await machine.end();
    await world.pass(2 * MINUTE);
    // A sweep, or the lease of the next process, has said so meanwhile.
    await machine.start();
    expect([await world.fates(), namesOf(machine), machine.journal.size]).toEqual([{ a: "accepted codex 1" }, ["a"], 0]);
  });
});

describe("a lease", () => {
  test("that lapses while its turn waits is lost, and the command is handed out and given to Codex once", async () => {
    const { world, machine } = await begin();
    machine.starts("local");
    await world.send("a");
    await world.look();
    expect([await world.fates(), machine.given]).toEqual([{ a: "queued" }, []]);
    machine.mailbox.wake();
    await world.quiet();
    expect([await world.fates(), machine.given]).toEqual([{ a: "leased" }, []]);
    await world.pass(2 * MINUTE);
    machine.ends("local");
    await world.pass(MINUTE);
    expect([await world.fates(), namesOf(machine), machine.journal.size]).toEqual([{ a: "accepted codex 1" }, ["a"], 0]);
  });

  test("is held by the beats for as long as Codex takes", async () => {
    const { world, machine } = await begin();
    machine.process!.heartbeat.start();
    machine.dies = "before Codex";
    await world.send("a");
    await world.pass(5 * MINUTE);
    expect(await world.fates()).toEqual({ a: "delivered" });
    await machine.end();
    await world.pass(2 * MINUTE);
    expect(await world.fates()).toEqual({ a: "unknown E_COMMAND_UNKNOWN" });
  });

  test("of a turn that was handed out when another one began lapses, so that what that one asks can be answered", async () => {
    const { world, machine } = await begin();
    const turn = new TurnStream();
    machine.starts(TURN);
    await world.send("a");
    await world.look();
    machine.mailbox.wake();
    await world.quiet();
    expect(await world.fates()).toEqual({ a: "leased" });
    machine.process!.heartbeat.start();
    machine.running = TURN;
    await world.tell(machine, [turn.started(), turn.raw(METHOD, ASKED)]);
    machine.requests.add(0);
    await world.send("yes", { kind: "decide", payloadJson: JSON.stringify({ requestId: 0, decision: "accept", shownSha256: SHOWN }) });
    await world.pass(3 * MINUTE);
    expect([await world.fates(), namesOf(machine)]).toEqual([{ a: "queued", yes: "accepted" }, ["yes"]]);
    machine.running = undefined;
    machine.ends(TURN);
    await world.tell(machine, [turn.completed()]);
    await world.pass(MINUTE);
    expect([await world.fates(), namesOf(machine)]).toEqual([{ a: "accepted codex 2", yes: "accepted" }, ["yes", "a"]]);
  });

  test("is the thread's writer's: another runtime gets nothing, and stops asking", async () => {
    const { world, machine } = await begin();
    const desk = await world.machine("desk");
    await desk.start(false);
    expect(desk.process!.lost).toEqual(["E_SYNC_SESSION_DEVICE_MISMATCH"]);
    await world.send("a");
    await world.look();
    expect([namesOf(machine), namesOf(desk), machine.process!.lost]).toEqual([["a"], [], []]);
  });

  test("is worth nothing to a runtime that lost the thread: the next writer does the command, once", async () => {
    const { world, machine } = await begin();
    machine.starts("local");
    await world.send("a");
    await world.look();
    machine.mailbox.wake();
    await world.quiet();
    expect(await world.fates()).toEqual({ a: "leased" });
    const desk = await world.machine("desk");
    await desk.start();
    machine.ends("local");
    await world.pass(2 * MINUTE);
    expect([namesOf(machine), namesOf(desk), machine.journal.size, desk.journal.size]).toEqual([[], ["a"], 0, 0]);
    expect(await world.fates()).toEqual({ a: "accepted codex 1" });
  });

  test("that comes after the command's time hands nothing to Codex", async () => {
    const { world, machine } = await begin();
    machine.starts("local");
    await world.send("a", { ttlMs: 20_000 });
    await world.look();
    machine.mailbox.wake();
    await world.pass(30_000);
    expect(await world.fates()).toEqual({ a: "leased" });
    machine.ends("local");
    await world.quiet();
    expect([await world.fates(), machine.given, machine.journal.size]).toEqual([{ a: "expired E_COMMAND_EXPIRED" }, [], 0]);
  });
});

describe("a cancel", () => {
  const tooLate = async (world: World) => (await refusal(world.cancel("a"))).code;

  test("of what is queued has it reach nobody", async () => {
    const { world, machine } = await begin();
    await world.send("a");
    await world.cancel("a");
    await world.pass(MINUTE);
    expect([await world.fates(), machine.given]).toEqual([{ a: "cancelled E_COMMAND_CANCELLED" }, []]);
  });

  test.each([["journal", "leased"], ["before Codex", "delivered"], [undefined, "accepted codex 1"]] as const)("comes too late: at %s it is %s", async (point, state) => {
    const { world, machine } = await begin();
    machine.dies = point;
    await world.send("a");
    await world.look();
    expect([await world.fates(), await tooLate(world)]).toEqual([{ a: state }, "E_COMMAND_TOO_LATE"]);
  });

  test("comes too late for what was refused, expired or is unknown", async () => {
    const { world, machine } = await begin();
    machine.policyJson = '{"kinds":[]}';
    await world.send("a");
    await world.look();
    expect([await world.fates(), await tooLate(world)]).toEqual([{ a: "refused E_COMMAND_NOT_ALLOWED" }, "E_COMMAND_TOO_LATE"]);
    const second = await begin();
    second.machine.dies = "before Codex";
    await second.world.send("a");
    await second.world.look();
    await second.machine.restart();
    expect([await second.world.fates(), await tooLate(second.world)]).toEqual([{ a: "unknown E_COMMAND_UNKNOWN" }, "E_COMMAND_TOO_LATE"]);
  });
});

describe("a turn", () => {
  test("queued behind one in flight goes when that has ended, though its end arrives late", async () => {
    const { world, machine } = await begin();
    await world.send("a");
    await world.send("b");
    await world.look();
    const turn = new TurnStream({ turnId: "codex 1" });
    await world.tell(machine, [turn.started()]);
    machine.starts("codex 1");
    await world.pass(3 * MINUTE);
    expect([await world.fates(), namesOf(machine)]).toEqual([{ a: "accepted codex 1", b: "queued" }, ["a"]]);
    machine.ends("codex 1");
    await world.pass(10_000);
    expect(namesOf(machine)).toEqual(["a"]);
    await world.tell(machine, [turn.completed()]);
    await world.pass(15_000);
    expect([await world.fates(), namesOf(machine)]).toEqual([{ a: "accepted codex 1", b: "accepted codex 2" }, ["a", "b"]]);
  });

  test("that runs is steered at once, and interrupted before anything else", async () => {
    const { world, machine } = await begin();
    await world.send("a");
    await world.look();
    await world.tell(machine, [new TurnStream({ turnId: "codex 1" }).started()]);
    machine.starts("codex 1");
    await world.send("later");
    await world.send("now", { kind: "steer", payloadJson: JSON.stringify({ expectedTurnId: "turn of a", input: [{ type: "text", text: "rather this" }] }) });
    await world.send("stop", { kind: "interrupt", payloadJson: '{"turnId":"turn of a","force":true}' });
    await world.look();
    expect(machine.given.slice(1)).toEqual([
      { threadId: THREAD, commandId: "stop", kind: "interrupt", turnId: "codex 1", force: true },
      { threadId: THREAD, commandId: "now", kind: "steer", params: { expectedTurnId: "codex 1", input: [{ type: "text", text: "rather this" }], clientUserMessageId: "now" } },
    ]);
    expect(await world.fates()).toEqual({ a: "accepted codex 1", later: "queued", now: "accepted codex 1", stop: "accepted codex 1" });
  });

  test("that does not end is stopped with its process, if others may be cut: whoever stops it is asked, and says so", async () => {
    const { world, machine } = await begin();
    machine.process!.heartbeat.start();
    const did: string[] = [];
    machine.stopping = new Stopping(
      {
        cancelRequests: () => void did.push("cancel"),
        interrupt: async () => {
          did.push("interrupt");
          return "sent";
        },
        othersThatRun: () => ["th_2"],
        restart: async (_, turnId, cut) => void did.push(`restart for ${turnId}, cuts ${cut.join()}`),
      },
      world.clock,
    );
    await world.tell(machine, [new TurnStream().started()]);
    machine.starts(TURN);
    const stop = (commandId: string, extra: object) => world.send(commandId, { kind: "interrupt", payloadJson: JSON.stringify({ turnId: TURN, ...extra }) });
    await stop("stop", {});
    await world.look();
    expect([await world.fates(), did]).toEqual([{ stop: "delivered" }, ["cancel", "interrupt"]]);
    await world.pass(15_000);
    expect(await world.fates()).toEqual({ stop: "refused E_COMMAND_NEEDS_FORCE" });
    await stop("force", { force: true });
    await world.look();
    expect([(await world.fates())["force"], did]).toEqual([`accepted ${TURN}`, ["cancel", "interrupt", "interrupt", `restart for ${TURN}, cuts th_2`]]);
  });

  test("that was promoted to a steer keeps the echo of its turn", async () => {
    const { world, machine } = await begin();
    await world.tell(machine, [new TurnStream().started()]);
    machine.starts(TURN);
    await world.send("a");
    await world.ann.mutation(host.promoteCommand, { commandId: "a", expectedTurnId: TURN });
    machine.dies = "after Codex";
    await world.look();
    expect(machine.given).toMatchObject([{ kind: "steer", params: { expectedTurnId: TURN, clientUserMessageId: "turn of a" } }]);
    await machine.restart();
    expect([await world.fates(), machine.given.length]).toEqual([{ a: `accepted ${TURN}` }, 1]);
  });
});

describe("an answer", () => {
  async function asking() {
    const { world, machine } = await begin();
    const turn = new TurnStream();
    await world.tell(machine, [turn.started(), turn.raw(METHOD, ASKED)]);
    machine.starts(TURN);
    machine.requests.add(0);
    return { world, machine, turn };
  }
  const decide = (world: World, commandId: string, decision: string) =>
    world.send(commandId, { kind: "decide", payloadJson: JSON.stringify({ requestId: 0, decision, shownSha256: SHOWN }) });

  test("of two devices is one to Codex: the first decision wins, the other is told", async () => {
    const { world, machine } = await asking();
    await decide(world, "phone's", "accept");
    expect(await refusal(decide(world, "desk's", "decline"))).toMatchObject({ code: "E_APPROVAL_NOT_PENDING", decidedByDevice: "phone" });
    await world.look();
    await world.pass(MINUTE);
    expect(machine.given).toEqual([{ threadId: THREAD, commandId: "phone's", kind: "decide", request: REQUEST, decision: "accept" }]);
    expect(await world.fates()).toEqual({ "phone's": "accepted" });
  });

  test("that was given at the machine meanwhile is one", async () => {
    const { world, machine } = await asking();
    await decide(world, "phone's", "accept");
    machine.requests.delete(0);
    await world.look();
    expect([machine.given, await world.fates()]).toEqual([[], { "phone's": "refused E_REQUEST_NOT_PENDING" }]);
  });

  test("by approvals.respond is the same command, and dies with its turn", async () => {
    const { world, machine, turn } = await asking();
    const respond = { threadId: THREAD, turnId: TURN, itemId: "i", decision: "declined" as const };
    await world.ann.mutation(host.respondApprovalForHooks, respond);
    await world.tell(machine, [turn.completed()]);
    machine.requests.clear();
    await world.look();
    expect([machine.given, Object.values(await world.fates())]).toEqual([[], ["expired E_COMMAND_TARGET_GONE"]]);
    const second = await asking();
    await second.world.ann.mutation(host.respondApprovalForHooks, respond);
    await second.world.look();
    expect(second.machine.given).toMatchObject([{ kind: "decide", decision: "decline" }]);
  });
});
