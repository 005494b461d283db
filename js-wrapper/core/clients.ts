/** What the core plans for the mutations of clients. Every call throws CoreError where the core has a bug. */
import bytes from "#wasm/bytes_clients";
import * as wasm from "#wasm/clients";
import {
  packAdmission,
  packSession,
  packTurnInterrupt,
  packTurnStart,
  type CheckpointCall,
  type Packed,
  type SessionCall,
  type SessionContext,
  type TurnInterruptCall,
  type TurnStartCall,
} from "./boundary.js";
import { Instance } from "./instance.js";

/** The answers that a client's call can have; every one can be rejected. */
type ClientAnswer<Type extends wasm.ClientAnswer["type"]> = Extract<wasm.ClientAnswer, { type: Type | "rejected" }>;

const instance = new Instance(bytes, wasm.initSync);

/** Plans a `turns.start`. */
export const planTurnStart = (call: TurnStartCall) => ask<"known" | "adopt" | "insert">(wasm.planTurnStart, packTurnStart(call));

/** Plans a `turns.interrupt`. */
export const planTurnInterrupt = (call: TurnInterruptCall) => ask<"interrupted">(wasm.planTurnInterrupt, packTurnInterrupt(call));

/** Plans a `sync.ensureSession`, or a `sync.heartbeat`. */
export const planSession = (call: SessionCall) => ask<"session">(wasm.planSession, packSession(call));

/** Plans what a call does to its session that writes the thread as a batch does, and brings none. */
export const planAdmission = (nowMs: number, session: SessionContext) => ask<"session">(wasm.planAdmission, packAdmission(nowMs, session));

/** Plans a `sync.upsertCheckpoint`. */
export function planCheckpoint({ nowMs, cursor, known, streamExists }: CheckpointCall): ClientAnswer<"keep" | "raise"> {
  return instance.ask(() => wasm.planCheckpoint(nowMs, cursor, known ?? -1, streamExists)) as ClientAnswer<"keep" | "raise">;
}

/** Whether the usage of the turn at `order` is the thread's too, which is of the turn before `place`. */
export const isThreadUsage = (order: number, place: number): boolean => instance.ask(() => wasm.isThreadUsage(order, place));

type Entry = (texts: Uint8Array, numbers: Float64Array) => wasm.ClientAnswer;

function ask<Type extends wasm.ClientAnswer["type"]>(entry: Entry, call: Packed): ClientAnswer<Type> {
  return instance.askPacked(entry, call) as ClientAnswer<Type>;
}
