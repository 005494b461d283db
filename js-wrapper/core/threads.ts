/** What the core decides of threads as a whole. Every call throws CoreError where the core has a bug. */
import base64 from "#wasm/threads_bytes";
import * as wasm from "#wasm/threads";
import { Packer, threadFacts, type ThreadFacts } from "./boundary.js";
import { Instance } from "./instance.js";

export type { DeletionAnswer, MakeAnswer } from "#wasm/threads";

/** `src/deletion.rs`, JobState. */
export type JobState = "scheduled" | "running" | "completed" | "cancelled";

/** `src/deletion.rs`, DeletionCall. */
export type DeletionCall = {
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

type AnswerOf<Type extends wasm.DeletionAnswer["type"]> = Extract<wasm.DeletionAnswer, { type: Type }>;

const instance = new Instance(base64, wasm.initSync);

/** The name of the tombstone of a thread, or of an app's name for one. */
export function tombstoneOf(what: "thread" | "external", { tenantId, userId }: { tenantId: string; userId: string }, id: string): string {
  const packer = new Packer();
  for (const text of [what, tenantId, userId, id]) packer.text(text);
  return instance.askPacked(wasm.tombstoneOf, packer.end());
}

/**
 * Whether a thread may be made.
 *
 * @param tombstone - its tombstone, if there is one; without `expiresAt` while rows of it are left
 */
export function planMake(exists: boolean, tombstone: { expiresAt?: number | undefined } | null, recreate: boolean, nowMs: number): wasm.MakeAnswer {
  const buriedUntil = tombstone === null ? -1 : (tombstone.expiresAt ?? Number.NaN);
  return instance.ask(() => wasm.planMake(exists, buriedUntil, recreate, nowMs));
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

/** Plans that a deletion is taken back. */
export function planCancel(state: JobState | null, nowMs: number): AnswerOf<"rejected" | "keep" | "cancel"> {
  const packer = new Packer();
  packer.optional(state, (name) => packer.text(name));
  packer.number(nowMs);
  return instance.askPacked(wasm.planCancel, packer.end()) as AnswerOf<"rejected" | "keep" | "cancel">;
}

/** Plans that a deletion does not wait for its time. */
export function planForce(state: JobState | null): AnswerOf<"rejected" | "keep" | "begin"> {
  const packer = new Packer();
  packer.optional(state, (name) => packer.text(name));
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
