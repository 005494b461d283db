/** How far a stop goes, and when. The steps are those of `src/command/stop.rs`. */
import { expect, it } from "vitest";
import { outcomeOfStop, Stopping, type StopActions, type StopOutcome } from "../../js-wrapper/runtime/stopping.js";
import { ManualClock, settle } from "./manual-clock.js";

/** When a turn is interrupted once more, and when its process is started anew, in milliseconds: the requirement, not `src/limits.rs`. */
const [STOP_AGAIN_MS, STOP_RESTART_MS] = [5_000, 15_000];

/** A Codex that does what the test says, and keeps what was done to it. */
function begin(actions: Partial<StopActions> = {}, others: string[] = []) {
  const clock = new ManualClock();
  const began = clock.now();
  const done: [at: number, what: string][] = [];
  const did = (what: string) => done.push([clock.now() - began, what]);
  const stopping = new Stopping(
    {
      cancelRequests: (threadId, turnId) => void did(`cancel ${threadId}/${turnId}`),
      interrupt: async (threadId, turnId) => {
        did(`interrupt ${threadId}/${turnId}`);
        return "sent";
      },
      othersThatRun: () => others,
      restart: async (_threadId, turnId, cut) => void did(`restart for ${turnId}, cuts ${cut.join()}`),
      ...actions,
    },
    clock,
  );
  const outcomes: (StopOutcome | string)[] = [];
  const stop = (turnId = "u", force = false) => {
    stopping.stop("t", turnId, force).then((outcome) => outcomes.push(outcome), (thrown: unknown) => outcomes.push((thrown as Error).message));
  };
  return { clock, stopping, done, outcomes, stop, others };
}

const ASKED: [number, string][] = [[0, "cancel t/u"], [0, "interrupt t/u"]];
const AGAIN: [number, string][] = [...ASKED, [STOP_AGAIN_MS, "interrupt t/u"]];

it("answers the requests, then interrupts, and is done when the turn ends", async () => {
  const { clock, stopping, done, outcomes, stop } = begin();
  stop();
  await clock.pass(STOP_AGAIN_MS - 1);
  expect([done, outcomes]).toEqual([ASKED, []]);
  stopping.turnEnded("t", "another");
  stopping.turnEnded("another", "u");
  await settle();
  expect(outcomes).toEqual([]);
  stopping.turnEnded("t", "u");
  await settle();
  expect([outcomes, clock.waiting]).toEqual([[{ type: "settled" }], 0]);
  await clock.pass(STOP_RESTART_MS);
  expect(done).toEqual(ASKED);
});

it("interrupts once more, then starts the process anew where no other turn runs in it", async () => {
  const { clock, done, outcomes, stop } = begin();
  stop();
  await clock.pass(STOP_AGAIN_MS);
  expect(done).toEqual(AGAIN);
  await clock.pass(STOP_RESTART_MS - STOP_AGAIN_MS - 1);
  expect(done).toEqual(AGAIN);
  await clock.pass(1);
  expect([done, outcomes, clock.waiting]).toEqual([[...AGAIN, [STOP_RESTART_MS, "restart for u, cuts "]], [{ type: "restarted", cut: [] }], 0]);
  // Whoever asks once more does not have it started anew again.
  stop();
  await settle();
  expect(done.slice(-2)).toEqual([[STOP_RESTART_MS, "cancel t/u"], [STOP_RESTART_MS, "interrupt t/u"]]);
});

it.each([
  ["back", -79_000_000],
  ["forward", 79_000_000],
])("takes as long where the machine's clock is set %s meanwhile", async (_where, stepMs) => {
  const { clock, done, outcomes, stop } = begin();
  stop();
  await settle();
  clock.step(stepMs);
  await clock.pass(STOP_RESTART_MS - 1);
  expect(done.map(([, what]) => what)).toEqual(AGAIN.map(([, what]) => what));
  await clock.pass(1);
  expect(outcomes).toEqual([{ type: "restarted", cut: [] }]);
});

it("is done too when the turn ends after the second", async () => {
  const { clock, stopping, done, outcomes, stop } = begin();
  stop();
  await clock.pass(STOP_RESTART_MS - 1);
  stopping.turnEnded("t", "u");
  await clock.pass(STOP_RESTART_MS);
  expect([done, outcomes]).toEqual([AGAIN, [{ type: "settled" }]]);
});

it("cuts no other turn unless its sender says so, and goes on from there when they do", async () => {
  const { clock, done, outcomes, stop, others } = begin({}, ["o", "p"]);
  stop();
  await clock.pass(STOP_RESTART_MS);
  expect([done, outcomes]).toEqual([AGAIN, [{ type: "needsForce", threadIds: ["o", "p"] }]]);
  stop();
  await settle();
  expect([done, outcomes.length]).toEqual([AGAIN, 2]);
  stop("u", true);
  await settle();
  expect(done.at(-1)).toEqual([STOP_RESTART_MS, "restart for u, cuts o,p"]);
  expect(outcomes.at(-1)).toEqual({ type: "restarted", cut: ["o", "p"] });
  // A later turn is another stop.
  others.length = 0;
  stop("v");
  expect(done.slice(-2).map(([, what]) => what)).toEqual(["cancel t/v", "interrupt t/v"]);
});

it("a turn that ends while a confirmation is waited for needs none", async () => {
  const { clock, stopping, done, stop } = begin({}, ["o"]);
  stop();
  await clock.pass(STOP_RESTART_MS);
  stopping.turnEnded("t", "u");
  stop("u", true);
  await settle();
  expect(done.map(([, what]) => what)).toEqual(["cancel t/u", "interrupt t/u", "interrupt t/u", "cancel t/u", "interrupt t/u"]);
});

it("is one stop, however many ask, and forced where one of them says so", async () => {
  const { clock, done, outcomes, stop } = begin({}, ["o"]);
  stop();
  stop("u", true);
  stop();
  await clock.pass(STOP_RESTART_MS);
  expect(done).toEqual([...AGAIN, [STOP_RESTART_MS, "restart for u, cuts o"]]);
  expect(outcomes).toEqual(Array.from({ length: 3 }, () => ({ type: "restarted", cut: ["o"] })));
});

it("ends at once where Codex has no such turn, and with the first interrupt where it has none any more", async () => {
  const gone = begin({ interrupt: async () => "gone" });
  gone.stop();
  await settle();
  expect([gone.outcomes, gone.clock.waiting]).toEqual([[{ type: "gone" }], 0]);
  const answers: ("sent" | "gone")[] = ["sent", "gone"];
  const late = begin({ interrupt: async () => answers.shift()! });
  late.stop();
  await late.clock.pass(STOP_AGAIN_MS);
  expect(late.outcomes).toEqual([{ type: "settled" }]);
});

it("goes on where a request cannot be answered, and where nothing answers the interrupt", async () => {
  const fails = () => {
    throw new Error("no process");
  };
  for (const interrupt of [async () => fails(), () => new Promise<never>(() => undefined)]) {
    const { clock, outcomes, stop } = begin({ cancelRequests: fails, interrupt });
    stop();
    await clock.pass(STOP_RESTART_MS - 1);
    expect(outcomes).toEqual([]);
    await clock.pass(1);
    expect(outcomes).toEqual([{ type: "restarted", cut: [] }]);
  }
});

it("says so where the restart fails, and tries it again for the next who asks", async () => {
  let fail = true;
  const restart = async () => {
    if (fail) throw new Error("no codex");
  };
  const { clock, outcomes, stop } = begin({ restart });
  stop();
  await clock.pass(STOP_RESTART_MS);
  expect(outcomes).toEqual(["no codex"]);
  fail = false;
  stop();
  await settle();
  expect(outcomes).toEqual(["no codex", { type: "restarted", cut: [] }]);
});

it("of the turn before ends where the thread's next one is to end", async () => {
  const { done, outcomes, stop } = begin();
  stop();
  stop("v");
  await settle();
  expect(outcomes).toEqual([{ type: "settled" }]);
  expect(done.map(([, what]) => what)).toEqual(["cancel t/u", "interrupt t/u", "cancel t/v", "interrupt t/v"]);
});

it("leaves a turn to whoever runs its process where that is somebody else, whoever confirms what", async () => {
  for (const others of [[], ["o"]]) {
    const { clock, done, outcomes, stop } = begin({ restart: undefined }, others);
    stop("u", others.length > 0);
    await clock.pass(STOP_RESTART_MS);
    expect([done, outcomes]).toEqual([AGAIN, [{ type: "stuck" }]]);
    // Whoever asks once more has it interrupted once more.
    stop();
    await settle();
    expect(done.slice(AGAIN.length).map(([, what]) => what)).toEqual(["cancel t/u", "interrupt t/u"]);
  }
});

it("is told to the sender of the interrupt", () => {
  const accepted = { type: "accepted", turnId: "u" };
  expect(outcomeOfStop({ type: "settled" }, "u")).toEqual(accepted);
  expect(outcomeOfStop({ type: "restarted", cut: ["o"] }, "u")).toEqual(accepted);
  expect(outcomeOfStop({ type: "gone" }, "u")).toEqual({ type: "refused", code: "E_COMMAND_TARGET_GONE" });
  expect(outcomeOfStop({ type: "needsForce", threadIds: ["o"] }, "u")).toEqual({ type: "refused", code: "E_COMMAND_NEEDS_FORCE" });
  expect(outcomeOfStop({ type: "stuck" }, "u")).toEqual({ type: "refused", code: "E_COMMAND_TURN_STUCK" });
});
