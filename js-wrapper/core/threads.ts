/** What the core decides of threads as a whole. Every call throws CoreError where the core has a bug. */
import bytes from "#wasm/bytes_threads";
import * as wasm from "#wasm/threads";
import { foldFacts, newThread, Packer, threadFacts, type FoldFacts, type NewThread, type ThreadFacts } from "./boundary.js";
import { Instance } from "./instance.js";

export type { CopyAnswer, DeletionStep, ForkStep, TailCopy } from "#wasm/threads";

type Owner = { tenantId: string; userId: string };

/** What can be buried: a thread by its id, or an app's own name for one. `src/tombstone.rs`, Buried. */
export type Buried = { what: "thread" | "external"; id: string };

/** `src/deletion.rs`, JobState. */
type JobState = "scheduled" | "running" | "completed" | "cancelled";

/** `src/deletion.rs`, DeletionCall. */
type DeletionCall = {
  nowMs: number;
  target: "thread" | "turn" | "revert" | "actor";
  threadExists: boolean;
  exists: boolean;
  buried: boolean;
  /** Whether there is nothing to delete. */
  empty: boolean;
  /** None: at once. NaN: the default. */
  delayMs: number | undefined;
  /** Of the job of the same target that has not ended. */
  open: JobState | null;
  openCount: number;
};

/** `src/fork.rs`, ForkState. */
type ForkState = "scheduled" | "running" | "completed" | "failed";

/** `src/fork.rs`, ForkCall. */
type ForkCall = {
  nowMs: number;
  /** The thread that is to be made; null where it exists. */
  newThread: NewThread | null;
  source: boolean;
  buried: boolean;
  /** Whether the last turn to copy exists; none where none is named. */
  turn: boolean | null;
  /** Whether the fork onto the new thread that is remembered is the same. */
  known: boolean | null;
  used: boolean;
  filling: boolean;
  openCount: number;
};

/** `src/fork.rs`, ForkStepCall. */
type ForkStepCall = { state: ForkState; source: boolean; copy: boolean; filling: boolean; nowMs: number };

/** `src/fork.rs`, CopyCall. */
type CopyCall = {
  turns: readonly { status: string }[];
  messages: readonly { status: string }[];
  tails: readonly { fold: FoldFacts; whole: boolean }[];
};

type AnswerOf<Type extends wasm.DeletionAnswer["type"]> = Extract<wasm.DeletionAnswer, { type: Type }>;

const instance = new Instance(bytes, wasm.initSync);

/** The names of the tombstones of what a user had, in order. */
export function tombstonesOf({ tenantId, userId }: Owner, buried: readonly Buried[]): string[] {
  const packer = new Packer();
  for (const text of [tenantId, userId]) packer.text(text);
  packer.list(buried, ({ what, id }) => {
    packer.text(what);
    packer.text(id);
  });
  return instance.askPacked(wasm.tombstonesOf, packer.end());
}

/**
 * Whether a thread may be made that was deleted.
 *
 * @param tombstone - its tombstone; without `expiresAt` while rows of it are left
 */
export function planMake(tombstone: { expiresAt?: number | undefined }, recreate: boolean, nowMs: number): wasm.MakeAnswer {
  return instance.ask(() => wasm.planMake(tombstone.expiresAt ?? Number.NaN, recreate, nowMs));
}

/**
 * Plans a change of a thread.
 *
 * @param change - whether it is archived, or its name
 */
export function planChange(thread: ThreadFacts | null, change: { archived: boolean } | { name: string }): wasm.ThreadAnswer {
  const packer = new Packer();
  packer.optional(thread, (facts) => threadFacts(packer, facts));
  packer.optionalText("name" in change ? change.name : undefined);
  packer.flag("archived" in change && change.archived);
  return instance.askPacked(wasm.planChange, packer.end());
}

/** Plans a deletion. */
export function planDeletion(call: DeletionCall): AnswerOf<"rejected" | "keep" | "begin" | "insert"> {
  const packer = new Packer();
  packer.number(call.nowMs);
  packer.text(call.target);
  for (const flag of [call.threadExists, call.exists, call.buried, call.empty]) packer.flag(flag);
  packer.optional(call.delayMs ?? null, (delayMs) => packer.number(delayMs));
  packer.optional(call.open, (state) => packer.text(state));
  packer.number(call.openCount);
  return instance.askPacked(wasm.planDeletion, packer.end()) as AnswerOf<"rejected" | "keep" | "begin" | "insert">;
}

/**
 * Plans what a revert hides.
 *
 * @param begunEnd - the place behind its last turn that does not wait
 * @param waiting - the places of its turns that codex has not begun, in order
 */
export function planRevert(begunEnd: number, nextTurnOrder: number, waiting: readonly number[]): wasm.RevertPlan {
  const packer = new Packer();
  packer.number(begunEnd);
  packer.number(nextTurnOrder);
  packer.list(waiting, (place) => packer.number(place));
  return instance.askPacked(wasm.planRevert, packer.end());
}

/** Plans that a deletion is taken back. */
export function planCancel(state: JobState | null, nowMs: number): AnswerOf<"rejected" | "keep" | "cancel"> {
  const packer = new Packer();
  packer.optional(state, (name) => packer.text(name));
  packer.number(nowMs);
  return instance.askPacked(wasm.planCancel, packer.end()) as AnswerOf<"rejected" | "keep" | "cancel">;
}

/** Plans that a deletion does not wait for its time. */
export function planForce(state: JobState | null, nowMs: number): AnswerOf<"rejected" | "keep" | "begin"> {
  const packer = new Packer();
  packer.optional(state, (name) => packer.text(name));
  packer.number(nowMs);
  return instance.askPacked(wasm.planForce, packer.end()) as AnswerOf<"rejected" | "keep" | "begin">;
}

/** Plans a deletion's next batch. */
export function planStep(state: JobState, dueAt: number, nowMs: number): AnswerOf<"keep" | "step"> {
  const packer = new Packer();
  packer.text(state);
  packer.number(dueAt);
  packer.number(nowMs);
  return instance.askPacked(wasm.planStep, packer.end()) as AnswerOf<"keep" | "step">;
}

/** Plans a fork. */
export function planFork(call: ForkCall): wasm.ForkAnswer {
  const packer = new Packer();
  packer.number(call.nowMs);
  packer.optional(call.newThread, (made) => newThread(packer, made));
  for (const flag of [call.source, call.buried]) packer.flag(flag);
  for (const flag of [call.turn, call.known]) packer.optional(flag, (is) => packer.flag(is));
  for (const flag of [call.used, call.filling]) packer.flag(flag);
  packer.number(call.openCount);
  return instance.askPacked(wasm.planFork, packer.end());
}

/** Plans a fork's next batch. */
export function planForkStep(call: ForkStepCall): wasm.ForkStep {
  const packer = new Packer();
  packer.text(call.state);
  for (const flag of [call.source, call.copy, call.filling]) packer.flag(flag);
  packer.number(call.nowMs);
  return instance.askPacked(wasm.planForkStep, packer.end());
}

/** Decides what rows of a thread are in its copy. */
export function planCopies(call: CopyCall): wasm.CopyAnswer {
  const packer = new Packer();
  packer.list(call.turns, ({ status }) => packer.text(status));
  packer.list(call.messages, ({ status }) => packer.text(status));
  packer.list(call.tails, ({ fold, whole }) => {
    foldFacts(packer, fold);
    packer.flag(whole);
  });
  return instance.askPacked(wasm.planCopies, packer.end());
}
