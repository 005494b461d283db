/** What the mailbox does with what it is handed, beside a Convex and a Codex that do what the test says. */
import { mkdir, realpath, symlink } from "node:fs/promises";
import path from "node:path";
import { ConvexError } from "convex/values";
import { describe, expect, it } from "vitest";
import type { CommandOutcome, DeliveredCommand, RefusedCommand } from "../../js-wrapper/runtime/command-delivery.js";
import type { ClaimedCommand } from "../../js-wrapper/runtime/claimed-command.js";
import { RETRY_FIRST_MS } from "../../js-wrapper/clock.js";
import { codeOf } from "../../js-wrapper/runtime/errors.js";
import { Mailbox, type MailboxOptions } from "../../js-wrapper/runtime/mailbox.js";
import type { CommandReport, FollowedCommands, LeasedCommand } from "../../js-wrapper/runtime/persistence.js";
import type { ServerRequest } from "../../js-wrapper/runtime/server-requests.js";
import { folder } from "../outbox/build.js";
import { ManualClock, settle } from "./manual-clock.js";
import { Turns } from "./turns.js";

const coded = (code: string) => new ConvexError({ code, message: `[${code}] no`, retryable: false });
const AWAY = new TypeError("fetch failed");
const SETTINGS = { started: { cwd: "/w", sandboxPolicy: { type: "readOnly" }, approvalPolicy: "on-request" } };
const APPROVAL = { id: 0, method: "item/commandExecution/requestApproval", params: {}, payloadJson: "{}", askedAt: 1 };
const QUESTION = { id: "q", method: "item/tool/requestUserInput", params: {}, payloadJson: '{"params":{"questions":[]}}', askedAt: 1 };
const waits = (request: ServerRequest, isRedacted = false) => ({ request, payloadSha256: "0a1b", isRedacted });
/** What waits under the ids of {@link PAYLOADS}. */
const waiting = (_: string, { requestId }: { requestId: string | number }) => waits(requestId === 0 ? APPROVAL : QUESTION);
const PAYLOADS = {
  turn: { input: [{ type: "text", text: "do it" }], clientTurnId: "shown", model: "m", effort: null, waitForMachine: true },
  steer: { input: [{ type: "text", text: "rather this" }], expectedTurnId: "shown" },
  interrupt: { turnId: "shown" },
  decide: { requestId: 0, generation: 1, decision: "accept", shownSha256: "0a1b" },
  answer: { requestId: "q", answer: { answers: {} } },
};
type Kind = keyof typeof PAYLOADS;
const leased = (commandId: string, kind: Kind = "turn", payload: object = {}): LeasedCommand => ({
  ...{ commandId, kind, payloadJson: JSON.stringify({ ...PAYLOADS[kind], ...payload }), leaseToken: `token of ${commandId}`, leaseExpiresAt: 1, lapses: 0 },
  ...(kind === "steer" || kind === "interrupt" ? { turnId: "codex's" } : {}),
});
const row = (commandId: string, kind: Kind = "turn", state: FollowedCommands[number]["state"] = "queued") => ({ commandId, kind, state, rank: 0, updatedAt: 1 });

/** A mailbox of the thread `t`, and a log of what it did, in order. */
function begin(options: Partial<MailboxOptions> = {}) {
  const clock = new ManualClock();
  const log: string[] = [];
  const errors: unknown[] = [];
  const refused: RefusedCommand[] = [];
  /** What is handed out next; an error is thrown. */
  const queue: (LeasedCommand | Error)[] = [];
  /** What the next reports are answered with, where that is an error. */
  const refusals: (Error | undefined)[] = [];
  /** What Codex answers to a command's id; nothing, until it says so, where there is a promise. */
  const outcomes: Record<string, CommandOutcome | Error | Promise<CommandOutcome>> = {};
  const echoes: ({ turnId: string } | null | Error)[] = [];
  const open: DeliveredCommand[] = [];
  const given: ClaimedCommand[] = [];
  let leasing = 0;
  let reporting: Promise<void> | undefined;
  let follow: ((threadId: string, commands: FollowedCommands | undefined) => void) | undefined;
  const act = async (command: ClaimedCommand): Promise<never> => {
    given.push(command);
    log.push(`codex ${command.commandId}`);
    const outcome = await (outcomes[command.commandId] ?? { type: "accepted", turnId: `turn of ${command.commandId}` });
    if (outcome instanceof Error) throw outcome;
    return outcome as never;
  };
  const turns = new Turns();
  const mailbox = new Mailbox({
    ...{ runtimeId: "rt", generation: 3, clock, turns },
    persistence: {
      followCommands: (_, listener) => {
        follow = listener;
        return () => (follow = undefined);
      },
      leaseCommands: async ({ threadId, runtimeId, generation, limit }) => {
        expect([runtimeId, generation, limit]).toEqual(["rt", 3, 1]);
        log.push(`lease ${threadId}`);
        expect(leasing++).toBe(0);
        await Promise.resolve();
        leasing -= 1;
        const next = queue.shift();
        if (next instanceof Error) throw next;
        return next === undefined ? [] : [next];
      },
      reportCommand: async ({ commandId, leaseToken, state, turnId, code }: CommandReport) => {
        expect(leaseToken).toBe(`token of ${commandId}`);
        log.push(["report", commandId, state, turnId ?? code].filter((part) => part !== undefined).join(" "));
        await reporting;
        const refusal = refusals.shift();
        if (refusal !== undefined) throw refusal;
      },
    },
    journal: {
      delivered: async (command) => {
        log.push(`journal ${command.commandId}`);
        open.push(command);
      },
      settled: async (commandId) => {
        log.push(`settled ${commandId}`);
        open.splice(open.findIndex((command) => command.commandId === commandId), 1);
      },
      open: async () => [...open],
    },
    machine: { policyJson: () => "{}", settings: () => SETTINGS, request: waiting },
    actions: { turn: act, steer: act, interrupt: act, decide: act, answer: act },
    findEcho: async ({ commandId }) => {
      log.push(`echo ${commandId}`);
      const echo = echoes.shift() ?? null;
      if (echo instanceof Error) throw echo;
      return echo;
    },
    onRefused: (command) => refused.push(command),
    onLost: (threadId, thrown) => log.push(`lost ${threadId} ${codeOf(thrown)}`),
    onError: (thrown) => errors.push(thrown),
    ...options,
  });
  /** What happened since it was asked last. */
  const news = async () => {
    await settle();
    return log.splice(0);
  };
  const tell = (...commands: FollowedCommands) => follow?.("t", commands);
  const tellUnknown = () => follow?.("t", undefined);
  /** Reports are answered when the returned function is called. */
  const holdReports = () => {
    let go: () => void = () => undefined;
    reporting = new Promise((resolve) => (go = resolve));
    return go;
  };
  const starts = (threadId: string, turnId: string) => turns.start(threadId, turnId);
  const ends = (threadId: string, turnId: string) => turns.end(mailbox, threadId, turnId);
  return { clock, holdReports, mailbox, starts, ends, queue, refusals, outcomes, echoes, open, given, errors, refused, news, tell, tellUnknown, isFollowed: () => follow !== undefined };
}

/** Follows, with one command waiting. */
async function handed(command: LeasedCommand, options: Partial<MailboxOptions> = {}) {
  const world = begin(options);
  world.queue.push(command);
  world.mailbox.follow("t");
  return { ...world, log: await world.news() };
}

const WAY = (id: string) => ["lease t", `journal ${id}`, `report ${id} delivered`, `codex ${id}`];

describe("a command", () => {
  it("is written to the journal, told to Convex, given to Codex, and its fate told: in this order", async () => {
    const { log, open } = await handed(leased("a"));
    expect(log).toEqual([...WAY("a"), "report a accepted turn of a", "settled a"]);
    expect(open).toEqual([]);
  });

  it("waits for a Codex that is being started again before it is on its way; a stop does not", async () => {
    let back: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (back = resolve));
    const world = await handed(leased("a"), { ready: () => ready });
    expect(world.log).toEqual(["lease t"]);
    world.queue.push(leased("b", "interrupt"));
    world.tell(row("b", "interrupt"));
    expect(await world.news()).toEqual([...WAY("b"), "report b accepted turn of b", "settled b"]);
    back();
    expect(await world.news()).toEqual([...WAY("a").slice(1), "report a accepted turn of a", "settled a"]);
  });

  it("that waits so leaves no trace where the mailbox stops, and is refused by its Codex where none comes", async () => {
    let fail: (thrown: Error) => void = () => undefined;
    const failing = () => new Promise<void>((_, reject) => (fail = reject));
    const stopped = await handed(leased("a"), { ready: failing });
    stopped.mailbox.stop();
    fail(new Error("stopped"));
    expect([stopped.log, await stopped.news(), stopped.open]).toEqual([["lease t"], [], []]);
    const refused = begin({ ready: failing });
    refused.outcomes["b"] = { type: "refused", code: "E_THREAD_BUSY" };
    refused.queue.push(leased("b"));
    refused.mailbox.follow("t");
    await refused.news();
    fail(new Error("busy"));
    expect(await refused.news()).toEqual([...WAY("b").slice(1), "report b refused E_THREAD_BUSY", "settled b"]);
  });

  it("that Codex refuses is refused with its code", async () => {
    const world = begin();
    world.outcomes["a"] = { type: "refused", code: "E_COMMAND_TARGET_GONE" };
    world.queue.push(leased("a", "steer"));
    world.mailbox.follow("t");
    expect(await world.news()).toEqual([...WAY("a"), "report a refused E_COMMAND_TARGET_GONE", "settled a"]);
    expect(world.refused).toEqual([{ commandId: "a", kind: "steer", threadId: "t", code: "E_COMMAND_TARGET_GONE" }]);
  });

  it("is what the policy lets through, each kind with what Codex needs of it", async () => {
    const own = await realpath(await folder());
    await mkdir(path.join(own, "below"));
    await symlink("below", path.join(own, "link"));
    const settings = () => ({ started: { ...SETTINGS.started, cwd: own } });
    const machine = { policyJson: () => "{}", settings, request: waiting };
    const turn = (await handed(leased("a", "turn", { cwd: `${own}/./link`, sandboxPolicy: { type: "readOnly" } }), { machine })).given[0];
    const input = PAYLOADS.turn.input;
    const params = { input, clientUserMessageId: "shown", model: "m", cwd: path.join(own, "below"), sandboxPolicy: { type: "readOnly" }, approvalPolicy: undefined };
    expect(turn).toEqual({ threadId: "t", commandId: "a", kind: "turn", params });
    const rest: [Kind, object, object][] = [
      ["steer", {}, { params: { expectedTurnId: "codex's", input: PAYLOADS.steer.input, clientUserMessageId: "a" } }],
      ["interrupt", {}, { turnId: "codex's", force: false }],
      ["interrupt", { force: true }, { turnId: "codex's", force: true }],
      ["decide", {}, { request: APPROVAL, decision: "accept" }],
      ["answer", {}, { request: QUESTION, answer: { answers: {} } }],
    ];
    for (const [kind, payload, want] of rest) {
      expect((await handed(leased("a", kind, payload))).given, kind).toStrictEqual([{ threadId: "t", commandId: "a", kind, ...want }]);
    }
  });

  it("that names a turn is accepted with it, where Codex says no other", async () => {
    const world = begin();
    world.outcomes["a"] = { type: "accepted" };
    world.queue.push(leased("a", "interrupt"));
    world.mailbox.follow("t");
    expect(await world.news()).toContain("report a accepted codex's");
  });

  it("in the journal says nothing of what was sent", async () => {
    const world = begin();
    world.outcomes["a"] = new Promise(() => undefined);
    world.queue.push(leased("a", "steer", { input: [{ type: "text", text: "a secret" }] }));
    world.mailbox.follow("t");
    await settle();
    expect(world.open).toStrictEqual([{ commandId: "a", leaseToken: "token of a", threadId: "t", kind: "steer", echoId: "a", turnId: "codex's" }]);
  });
});

describe("the policy", () => {
  const REFUSED = ["lease t", "report a refused E_COMMAND_NOT_ALLOWED"];
  const machine = (changes: Partial<MailboxOptions["machine"]>) => ({ policyJson: () => "{}", settings: () => SETTINGS, request: waiting, ...changes });

  it("is asked first, and what it refuses reaches neither journal nor Codex", async () => {
    const { log, refused } = await handed(leased("a", "turn", { cwd: "/etc" }));
    expect(log).toEqual(REFUSED);
    // Its owner is told of what, and why.
    expect(refused).toEqual([{ commandId: "a", kind: "turn", threadId: "t", code: "E_COMMAND_NOT_ALLOWED", message: "the folder is not there, or not allowed" }]);
    expect((await handed(leased("a", "turn"), { machine: machine({ policyJson: () => '{"kinds":["interrupt"]}' }) })).log).toEqual(REFUSED);
    expect((await handed(leased("a", "answer"), { machine: machine({ request: () => waits({ ...QUESTION, payloadJson: '{"params":{"questions":[{"isSecret":true}]}}' }) }) })).log).toEqual(REFUSED);
  });

  it("lets a stop pass where it is not known yet what codex was started with, and nothing else", async () => {
    const unknown = machine({
      settings: () => {
        throw new Error("not known yet");
      },
    });
    expect((await handed(leased("a", "interrupt"), { machine: unknown })).given).toHaveLength(1);
    expect((await handed(leased("a", "turn"), { machine: unknown })).log).toEqual(REFUSED);
  });

  it("has an approval be decided and a question be answered, whoever says that it is the other", async () => {
    const all = machine({ policyJson: () => '{"decisions":["accept","acceptForSession","amendments","decline","cancel"]}' });
    const answer = { requestId: 0, shownSha256: "0a1b", answer: { decision: "acceptForSession" } };
    expect((await handed(leased("a", "answer", answer), { machine: all })).log).toEqual(REFUSED);
    expect((await handed(leased("a", "decide", { requestId: "q" }), { machine: all })).log).toEqual(REFUSED);
    const offers = machine({ request: () => waits({ ...APPROVAL, payloadJson: '{"params":{"availableDecisions":["cancel"]}}' }) });
    expect((await handed(leased("a", "decide"), { machine: offers })).log).toEqual(REFUSED);
    expect((await handed(leased("a", "decide", { decision: "cancel" }), { machine: offers })).given).toHaveLength(1);
  });

  it("is the one that holds when its Codex is there", async () => {
    let back: () => void = () => undefined;
    let policy = "{}";
    const ready = new Promise<void>((resolve) => (back = resolve));
    const world = await handed(leased("a"), { ready: () => ready, machine: machine({ policyJson: () => policy }) });
    policy = '{"kinds":["interrupt"]}';
    back();
    expect(await world.news()).toEqual(["report a refused E_COMMAND_NOT_ALLOWED"]);
  });

  it("that is none lets nothing but a stop pass", async () => {
    const none = machine({ policyJson: () => "{" });
    expect((await handed(leased("a"), { machine: none })).log).toEqual(REFUSED);
    expect((await handed(leased("a", "interrupt"), { machine: none })).given).toHaveLength(1);
  });

  it("that cannot be read lets nothing pass", async () => {
    const policyJson = () => {
      throw new Error("EACCES");
    };
    const { log, errors } = await handed(leased("a"), { machine: machine({ policyJson }) });
    expect([log, errors]).toEqual([REFUSED, [new Error("EACCES")]]);
  });

  it("counts what passed in the last minute, but no stop", async () => {
    const world = begin({ machine: machine({ policyJson: () => '{"perMinute":2}' }) });
    world.queue.push(leased("a", "steer"), leased("b", "steer", { other: 1 }), leased("s", "interrupt"), leased("c", "steer"), leased("d", "steer"), leased("t", "interrupt"));
    world.mailbox.follow("t");
    const fates = async () => (await world.news()).filter((line) => /accepted|refused/.test(line)).map((line) => line.slice(7, 17)).sort();
    world.tell(row("a", "steer"), row("b", "steer"), row("s", "interrupt"), row("c", "steer"), row("d", "steer"), row("t", "interrupt"));
    // The second is refused for what it says, and does not count.
    expect(await fates()).toEqual(["a accepted", "b refused ", "c accepted", "d refused ", "s accepted", "t accepted"]);
    // Whatever the machine's clock is set to meanwhile.
    world.clock.step(-79_000_000);
    await world.clock.pass(60_000);
    world.queue.push(leased("e", "steer"));
    world.tell(row("e", "steer"));
    expect(await fates()).toEqual(["e accepted"]);
  });

  it("is not asked of an answer to a request that waits no longer", async () => {
    for (const kind of ["decide", "answer"] as const) {
      const asked: unknown[] = [];
      const request = (threadId: string, name: object) => {
        asked.push([threadId, name]);
        return null;
      };
      expect((await handed(leased("a", kind), { machine: machine({ request }) })).log).toEqual(["lease t", "report a refused E_REQUEST_NOT_PENDING"]);
      expect(asked).toEqual([["t", kind === "decide" ? { requestId: 0, generation: 1 } : { requestId: "q" }]]);
    }
  });

  it("is not asked of an answer to what was not shown", async () => {
    const given = async (kind: "decide" | "answer", payload: object) => {
      const { log, given } = await handed(leased("a", kind, payload));
      if (given.length === 0) expect(log).toEqual(["lease t", "report a refused E_APPROVAL_CHANGED"]);
      return given.length;
    };
    for (const shownSha256 of ["0a1c", "", 7]) {
      expect([await given("decide", { shownSha256 }), await given("answer", { shownSha256 })]).toEqual([0, 0]);
      expect(await given("decide", { shownSha256, decision: "decline" })).toBe(0);
    }
    for (const shownSha256 of ["0a1b", "0A1B"]) expect(await given("decide", { shownSha256 })).toBe(1);
    // Who says nothing of it declines, or answers a question.
    for (const shownSha256 of [undefined, null]) {
      for (const decision of ["accept", "acceptForSession", { denied: {}, approved: {} }, ["decline"]]) expect(await given("decide", { shownSha256, decision })).toBe(0);
      for (const decision of ["decline", "cancel"]) expect(await given("decide", { shownSha256, decision })).toBe(1);
      expect(await given("answer", { shownSha256 })).toBe(1);
    }
  });

  it("is not asked of an agreement to what was redacted", async () => {
    const given = async (kind: "decide" | "answer", payload: { decision?: unknown; answer?: object; shownSha256?: string }) => {
      const isForm = payload.answer !== undefined && "action" in payload.answer;
      const asks = kind === "decide" ? APPROVAL : isForm ? { ...QUESTION, method: "mcpServer/elicitation/request" } : QUESTION;
      const request = () => waits(asks, true);
      const { log, given } = await handed(leased("a", kind, payload), { machine: machine({ request }) });
      if (given.length === 0) expect(log).toEqual(["lease t", "report a refused E_APPROVAL_REDACTED"]);
      return given.length;
    };
    for (const decision of ["accept", "acceptForSession", { acceptWithExecpolicyAmendment: {} }]) expect(await given("decide", { decision })).toBe(0);
    expect(await given("answer", { answer: { action: "accept", content: {} }, shownSha256: "0a1b" })).toBe(0);
    expect(await given("decide", { decision: "decline" })).toBe(1);
    expect(await given("answer", { answer: { action: "decline" }, shownSha256: "0a1b" })).toBe(1);
    expect(await given("answer", { answer: { answers: { mcp_tool_call_approval_1: { answers: ["Allow"] } } }, shownSha256: "0a1b" })).toBe(0);
    // What a question is answered with is words.
    expect(await given("answer", {})).toBe(1);
  });

  it("does not save a steer whose turn nobody knows", async () => {
    const { turnId: _, ...nameless } = leased("a", "steer");
    expect((await handed(nameless)).log).toEqual(["lease t", "report a refused E_COMMAND_TARGET_GONE"]);
  });
});

describe("a report", () => {
  it("that the network loses is sent again with growing waits, and nothing overtakes it", async () => {
    const { clock, mailbox, queue, refusals, errors, news, tell } = begin();
    refusals.push(AWAY, AWAY, AWAY);
    queue.push(leased("a"));
    mailbox.follow("t");
    expect(await news()).toEqual(["lease t", "journal a", "report a delivered"]);
    tell(row("b"));
    await clock.pass(RETRY_FIRST_MS - 1);
    expect(await news()).toEqual([]);
    await clock.pass(1);
    expect(await news()).toEqual(["report a delivered"]);
    await clock.pass(2 * RETRY_FIRST_MS - 1);
    expect(await news()).toEqual([]);
    await clock.pass(1);
    await clock.pass(4 * RETRY_FIRST_MS);
    expect(await news()).toEqual(["report a delivered", "report a delivered", "codex a", "report a accepted turn of a", "settled a"]);
    expect(errors).toEqual([AWAY]);
  });

  it("of a fate is sent until it is written, and the journal holds the command until then", async () => {
    const { clock, open, refusals, mailbox, queue, news } = begin();
    refusals.push(undefined, AWAY);
    queue.push(leased("a"));
    mailbox.follow("t");
    expect((await news()).at(-1)).toBe("report a accepted turn of a");
    expect(open).toHaveLength(1);
    await clock.pass(RETRY_FIRST_MS);
    expect([await news(), open]).toEqual([["report a accepted turn of a", "settled a"], []]);
  });

  it("under a lost lease drops the command: Codex does not get it", async () => {
    for (const [code, told] of [["E_COMMAND_LEASE_LOST", 0], ["E_SYNC_SESSION_DEVICE_MISMATCH", 1], ["E_COMMAND_NOT_FOUND", 1]] as const) {
      const { mailbox, queue, refusals, errors, news, open } = begin();
      refusals.push(coded(code));
      queue.push(leased("a"));
      mailbox.follow("t");
      expect(await news()).toEqual(["lease t", "journal a", "report a delivered", "settled a"]);
      expect([open, errors.length]).toEqual([[], told]);
    }
  });

  it("of a command whose time is over says so, and Codex does not get it", async () => {
    const { mailbox, queue, refusals, news } = begin();
    refusals.push(coded("E_COMMAND_EXPIRED"));
    queue.push(leased("a"));
    mailbox.follow("t");
    expect(await news()).toEqual(["lease t", "journal a", "report a delivered", "report a expired", "settled a"]);
  });
});

describe("what is not known", () => {
  it("is settled by its echo, and never given to Codex again", async () => {
    for (const [echo, fate] of [[{ turnId: "found" }, "accepted found"], [null, "unknown"]] as const) {
      const { mailbox, outcomes, echoes, queue, news, errors } = begin();
      outcomes["a"] = new Error("codex died");
      echoes.push(echo);
      queue.push(leased("a"));
      mailbox.follow("t");
      expect(await news()).toEqual([...WAY("a"), "echo a", `report a ${fate}`, "settled a"]);
      expect(errors).toEqual([new Error("codex died")]);
    }
  });

  it("is asked for again where that cannot be told yet", async () => {
    const { clock, mailbox, outcomes, echoes, queue, news } = begin();
    outcomes["a"] = new Error("codex died");
    echoes.push(AWAY, AWAY, { turnId: "found" });
    queue.push(leased("a"));
    mailbox.follow("t");
    expect((await news()).at(-1)).toBe("echo a");
    await clock.pass(3 * RETRY_FIRST_MS - 1);
    expect(await news()).toEqual(["echo a"]);
    await clock.pass(1);
    expect(await news()).toEqual(["echo a", "report a accepted found", "settled a"]);
  });

  it("at a start is settled for the thread that is followed", async () => {
    const { mailbox, open, echoes, news } = begin();
    const entry = (commandId: string, threadId: string) => ({ commandId, leaseToken: `token of ${commandId}`, threadId, kind: "turn" as const, echoId: commandId });
    open.push(entry("a", "t"), entry("b", "elsewhere"), entry("c", "t"));
    echoes.push({ turnId: "found" });
    mailbox.follow("t");
    expect((await news()).sort()).toEqual(["echo a", "echo c", "lease t", "report a accepted found", "report c unknown", "settled a", "settled c"]);
    expect(open.map(({ commandId }) => commandId)).toEqual(["b"]);
  });

  it("is nothing that the disk does not have: it is refused", async () => {
    const journal = { delivered: () => Promise.reject(new Error("ENOSPC")), settled: async () => expect.fail(), open: async () => [] };
    const { log, errors } = await handed(leased("a"), { journal });
    expect([log, errors]).toEqual([["lease t", "report a refused E_COMMAND_REFUSED"], [new Error("ENOSPC")]]);
  });
});

describe("a thread", () => {
  it("has one command at work, and interrupts overtake it", async () => {
    const { mailbox, outcomes, queue, news, tell } = begin();
    let answer: (outcome: CommandOutcome) => void = () => undefined;
    outcomes["a"] = new Promise((resolve) => (answer = resolve));
    queue.push(leased("a"));
    mailbox.follow("t");
    expect(await news()).toEqual(WAY("a"));
    expect([mailbox.isAtWork("t"), mailbox.isAtWork("other")]).toEqual([true, false]);
    tell(row("a", "turn", "delivered"), row("b", "steer"));
    expect(await news()).toEqual([]);
    queue.push(leased("stop", "interrupt"), leased("b", "steer"));
    tell(row("a", "turn", "delivered"), row("b", "steer"), row("stop", "interrupt"));
    expect(await news()).toEqual([...WAY("stop"), "report stop accepted turn of stop", "settled stop"]);
    answer({ type: "accepted", turnId: "u" });
    expect(await news()).toEqual(["report a accepted u", "settled a", ...WAY("b"), "report b accepted turn of b", "settled b"]);
    expect(mailbox.isAtWork("t")).toBe(false);
  });

  it("does a steer while a turn runs, and no other turn until that has ended", async () => {
    const { mailbox, queue, news, tell, clock, ends } = begin();
    queue.push(leased("a"));
    mailbox.follow("t");
    await news();
    tell(row("b"));
    await clock.pass(60_000);
    expect(await news()).toEqual([]);
    queue.push(leased("s", "steer"), leased("b"));
    tell(row("b"), row("s", "steer"));
    expect(await news()).toEqual([...WAY("s"), "report s accepted turn of s", "settled s"]);
    ends("t", "turn of a");
    expect(await news()).toEqual([...WAY("b"), "report b accepted turn of b", "settled b"]);
  });

  it("holds a turn that was handed out while another one runs", async () => {
    const { mailbox, queue, news, given, starts, ends } = begin();
    starts("t", "local");
    queue.push(leased("a"));
    mailbox.follow("t");
    expect(await news()).toEqual(["lease t"]);
    ends("other", "local");
    expect(await news()).toEqual([]);
    ends("t", "local");
    expect((await news()).slice(0, 3)).toEqual(["journal a", "report a delivered", "codex a"]);
    expect(given).toHaveLength(1);
  });

  it("knows of a turn's end that overtook the answer", async () => {
    const { mailbox, outcomes, queue, news, tell, starts, ends } = begin();
    let answer: (outcome: CommandOutcome) => void = () => undefined;
    outcomes["a"] = new Promise((resolve) => (answer = resolve));
    queue.push(leased("a"), leased("b"));
    mailbox.follow("t");
    await news();
    tell(row("b"));
    starts("t", "u");
    ends("t", "u");
    starts("t", "u");
    answer({ type: "accepted", turnId: "u" });
    expect(await news()).toContain("codex b");
  });

  it("tells Convex of a turn that no command began before it leases, once", async () => {
    const told: string[] = [];
    let fail = true;
    const tellTurn = async (threadId: string, turnId: string) => {
      told.push(`${threadId} ${turnId}`);
      if (fail) throw AWAY;
    };
    const { clock, mailbox, queue, news, starts, ends } = begin({ tellTurn });
    starts("t", "local");
    mailbox.follow("t");
    expect([await news(), told]).toEqual([[], ["t local"]]);
    fail = false;
    await clock.pass(1_000);
    expect([await news(), told]).toEqual([["lease t"], ["t local", "t local"]]);
    mailbox.wake();
    expect([await news(), told.length]).toEqual([["lease t"], 2]);
    ends("t", "local");
    queue.push(leased("a"));
    mailbox.wake();
    expect([(await news()).length, told.length]).toEqual([6, 2]);
    // One that a command began is known.
    starts("t", "turn of a");
    mailbox.wake();
    expect([await news(), told.length]).toEqual([["lease t"], 2]);
    // Nor need one that has ended be told of.
    ends("t", "turn of a");
    starts("t", "short");
    ends("t", "short");
    mailbox.wake();
    expect([(await news()).length, told.length]).toEqual([1, 2]);
  });

  it("asks at a beat where no command is known to wait only while what waits is not known", async () => {
    const { mailbox, news, tell, tellUnknown } = begin();
    mailbox.follow("t");
    await news();
    tell();
    mailbox.wake();
    expect(await news()).toEqual([]);
    tellUnknown();
    expect(await news()).toEqual([]);
    mailbox.wake();
    expect(await news()).toEqual(["lease t"]);
  });

  it("tells of the turn that runs by then, where another one began meanwhile", async () => {
    const told: string[] = [];
    let answer: () => void = () => undefined;
    const tellTurn = (_: string, turnId: string) => {
      told.push(turnId);
      return new Promise<void>((resolve) => (answer = resolve));
    };
    const { mailbox, news, starts } = begin({ tellTurn });
    starts("t", "first");
    mailbox.follow("t");
    starts("t", "second");
    answer();
    await news();
    mailbox.wake();
    await news();
    expect(told).toEqual(["first", "second"]);
  });

  it("looks again where something waits and nothing was handed out, later and later, at once when something changes", async () => {
    const { clock, mailbox, news, tell } = begin();
    mailbox.follow("t");
    expect([await news(), clock.waiting]).toEqual([["lease t"], 0]);
    tell(row("a"));
    expect(await news()).toEqual(["lease t"]);
    await clock.pass(999);
    expect(await news()).toEqual([]);
    await clock.pass(1 + 2_000 + 4_000 + 8_000 + 15_000 + 15_000 - 1);
    expect(await news()).toHaveLength(5);
    await clock.pass(1);
    expect(await news()).toEqual(["lease t"]);
    tell(row("a"), row("b"));
    expect(await news()).toEqual(["lease t"]);
    await clock.pass(1_000);
    expect(await news()).toEqual(["lease t"]);
    tell(row("a", "turn", "cancelled"));
    await clock.pass(60_000);
    expect(await news()).toEqual([]);
  });

  it("is looked at after a beat that says that something waits, unless nothing is open in it", async () => {
    const { mailbox, news, tell } = begin();
    mailbox.follow("t");
    await news();
    mailbox.wake();
    // What happens during a lease has another one follow.
    mailbox.wake();
    expect(await news()).toEqual(["lease t", "lease t"]);
    tell();
    mailbox.wake();
    expect(await news()).toEqual([]);
    tell(row("a", "turn", "leased"));
    mailbox.wake();
    expect(await news()).toEqual(["lease t"]);
  });

  it("is looked at when the end of its turn is known in Convex, where something may wait there", async () => {
    const { mailbox, news, tell } = begin();
    mailbox.follow("t");
    await news();
    // Nobody has said yet.
    mailbox.endArrived("t");
    expect(await news()).toEqual(["lease t"]);
    tell();
    mailbox.endArrived("t");
    mailbox.endArrived("other");
    expect(await news()).toEqual([]);
    tell(row("a"));
    expect(await news()).toEqual(["lease t"]);
    mailbox.endArrived("t");
    expect(await news()).toEqual(["lease t"]);
    // Not by an answer that came.
    tell(row("a", "turn", "leased"));
    mailbox.endArrived("t");
    expect(await news()).toEqual(["lease t"]);
  });

  it("is leased again after a failure, and given up where another runtime writes it, or nobody", async () => {
    const { clock, mailbox, queue, news, errors } = begin();
    queue.push(AWAY, leased("a"));
    mailbox.follow("t");
    expect(await news()).toEqual(["lease t"]);
    await clock.pass(1_000);
    expect((await news()).slice(0, 4)).toEqual(WAY("a"));
    expect(errors).toEqual([AWAY]);
    for (const code of ["E_SYNC_SESSION_DEVICE_MISMATCH", "E_AUTH_THREAD_FORBIDDEN"]) {
      const world = begin();
      world.queue.push(coded(code));
      world.mailbox.follow("t");
      expect(await world.news()).toEqual(["lease t", `lost t ${code}`]);
      expect(world.isFollowed()).toBe(false);
      world.mailbox.wake();
      await world.clock.pass(60_000);
      expect([await world.news(), world.clock.waiting]).toEqual([[], 0]);
    }
  });

  it("knows of a lease whose answer was lost", async () => {
    const { mailbox, queue, outcomes, news, tell } = begin();
    const said: boolean[] = [];
    queue.push(AWAY, AWAY, leased("a"));
    mailbox.follow("t");
    // The lease is on its way, and its answer may be too.
    tell(row("a", "turn", "leased"));
    said.push(mailbox.mayLapse("t"));
    await news();
    said.push(mailbox.mayLapse("t"), mailbox.mayLapse("other"));
    outcomes["a"] = new Promise(() => undefined);
    mailbox.wake();
    await news();
    tell(row("a", "turn", "leased"), row("b"));
    said.push(mailbox.mayLapse("t"));
    expect(said).toEqual([false, true, false, false]);
    // What has come to its end here is on its way no longer.
    const done = begin();
    done.refusals.push(coded("E_COMMAND_LEASE_LOST"));
    done.queue.push(leased("a"));
    done.mailbox.follow("t");
    await done.news();
    done.tell(row("a", "turn", "leased"));
    expect(done.mailbox.mayLapse("t")).toBe(true);
  });

  it("lets the lease of a turn that waits go, and of nothing that is on its way or behind it", async () => {
    const { mailbox, queue, outcomes, news, tell, starts, ends } = begin();
    starts("t", "local");
    queue.push(leased("a"), leased("b"));
    mailbox.follow("t");
    await news();
    tell(row("a", "turn", "leased"));
    expect(mailbox.mayLapse("t")).toBe(true);
    outcomes["a"] = new Promise(() => undefined);
    ends("t", "local");
    await news();
    expect(mailbox.mayLapse("t")).toBe(false);
    mailbox.wake();
    expect(await news()).toEqual(["lease t"]);
    tell(row("a", "turn", "leased"), row("b", "turn", "leased"));
    expect(mailbox.mayLapse("t")).toBe(false);
  });

  it("does what is handed out in place of a turn that waits, and leaves that one to its next lease", async () => {
    const { mailbox, queue, news, tell, given, starts, ends } = begin();
    starts("t", "local");
    queue.push(leased("a"));
    mailbox.follow("t");
    await news();
    queue.push(leased("yes", "decide"));
    tell(row("a"), row("yes", "decide"));
    expect(await news()).toEqual([...WAY("yes"), "report yes accepted turn of yes", "settled yes"]);
    queue.push(leased("a"));
    ends("t", "local");
    expect(await news()).toEqual([...WAY("a"), "report a accepted turn of a", "settled a"]);
    expect(given).toHaveLength(2);
  });

  it("is followed once, and no longer after the end; what was leased and waits is left to the next", async () => {
    const { mailbox, queue, news, isFollowed, clock, tell, starts } = begin();
    starts("t", "local");
    queue.push(leased("a"));
    mailbox.follow("t");
    mailbox.follow("t");
    expect(await news()).toEqual(["lease t"]);
    tell(row("b", "interrupt"));
    expect([await news(), clock.waiting]).toEqual([["lease t"], 1]);
    mailbox.unfollow("t");
    expect([isFollowed(), await news(), clock.waiting]).toEqual([false, [], 0]);
    // It has become a steer of the turn that runs.
    queue.push(leased("a", "steer"));
    mailbox.follow("t");
    expect((await news()).slice(0, 4)).toEqual(WAY("a"));
  });

  it("that is followed anew while a command is at work does not settle that one", async () => {
    const { mailbox, outcomes, queue, news } = begin();
    let answer: (outcome: CommandOutcome) => void = () => undefined;
    outcomes["a"] = new Promise((resolve) => (answer = resolve));
    queue.push(leased("a"));
    mailbox.follow("t");
    await news();
    mailbox.unfollow("t");
    mailbox.follow("t");
    answer({ type: "accepted", turnId: "u" });
    expect(await news()).toEqual(["lease t", "report a accepted u", "settled a"]);
  });

  it("does not run a command twice at once that is handed out anew", async () => {
    const { clock, mailbox, queue, refusals, news, tell } = begin();
    refusals.push(AWAY, coded("E_COMMAND_LEASE_LOST"));
    queue.push(leased("stop", "interrupt"), leased("stop", "interrupt"));
    mailbox.follow("t");
    expect(await news()).toEqual(["lease t", "journal stop", "report stop delivered"]);
    tell(row("stop", "interrupt"));
    expect(await news()).toEqual(["lease t"]);
    await clock.pass(RETRY_FIRST_MS);
    expect((await news()).slice(0, 5)).toEqual(["report stop delivered", "settled stop", "journal stop", "report stop delivered", "codex stop"]);
  });
});

describe("stop", () => {
  it("before Convex has answered has Codex get nothing", async () => {
    const { mailbox, holdReports, queue, open, news } = begin();
    const answer = holdReports();
    queue.push(leased("a"));
    mailbox.follow("t");
    expect((await news()).at(-1)).toBe("report a delivered");
    mailbox.stop();
    answer();
    expect([await news(), open.length]).toEqual([[], 1]);
  });

  it("ends every wait and leaves what is at work to the journal", async () => {
    const { clock, mailbox, outcomes, queue, open, news, isFollowed } = begin();
    let answer: (outcome: CommandOutcome) => void = () => undefined;
    outcomes["a"] = new Promise((resolve) => (answer = resolve));
    queue.push(leased("a"));
    mailbox.follow("t");
    await news();
    mailbox.stop();
    answer({ type: "accepted", turnId: "u" });
    await clock.pass(60_000);
    expect([await news(), open.length, isFollowed(), clock.waiting]).toEqual([[], 1, false, 0]);
    mailbox.follow("t");
    expect([await news(), isFollowed()]).toEqual([[], false]);
  });

  it("while Convex is told has Codex get nothing", async () => {
    const { clock, mailbox, queue, refusals, open, news } = begin();
    refusals.push(AWAY);
    queue.push(leased("a"));
    mailbox.follow("t");
    await news();
    mailbox.stop();
    await clock.pass(60_000);
    expect([await news(), open.length, clock.waiting]).toEqual([[], 1, 0]);
  });

  it("while the disk is written has Convex told nothing", async () => {
    let written: () => void = () => undefined;
    const journal = { delivered: () => new Promise<void>((resolve) => (written = resolve)), settled: async () => undefined, open: async () => [] };
    const { mailbox, log, news } = await handed(leased("a"), { journal });
    expect(log).toEqual(["lease t"]);
    mailbox.stop();
    written();
    expect(await news()).toEqual([]);
  });
});
