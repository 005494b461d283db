/**
 * The Rust core, loaded when it is first asked and not before: a function that never asks pays nothing. One way for the
 * Convex isolate, Node, vitest and a browser: bytes out of a module, compiled and instantiated synchronously.
 */
import base64 from "#wasm-bytes";
import * as wasm from "#wasm";
import * as boundary from "./boundary.js";

export type * from "./boundary.js";

/** The core's calls, see each in `boundary.ts`. */
export type Core = {
  classifyLine: (line: string) => wasm.LineClass;
  planIngest: (call: boundary.IngestCall) => wasm.IngestAnswer;
  readWindow: (call: boundary.WindowCall) => wasm.WindowAnswer;
  planTurnStart: (call: boundary.TurnStartCall) => ClientAnswer<"known" | "adopt" | "insert">;
  planTurnInterrupt: (call: boundary.TurnInterruptCall) => ClientAnswer<"interrupted">;
  planSession: (call: boundary.SessionCall) => ClientAnswer<"session">;
  planCheckpoint: (call: boundary.CheckpointCall) => ClientAnswer<"keep" | "raise">;
  /** How many chunks of a stream a reader with these options can be given at most. */
  chunksToLoad: (runtime: boundary.RuntimeOptions | undefined) => number;
};

/** The answers that a client's call can have; every one can be rejected. */
export type ClientAnswer<Type extends wasm.ClientAnswer["type"]> = Extract<wasm.ClientAnswer, { type: Type | "rejected" }>;

/** A bug of this software: the core trapped, or was called otherwise than it reads. Nothing was decided. */
export class CoreError extends Error {
  readonly code = "E_INTERNAL";
  readonly reason: string;

  constructor(cause: unknown) {
    const reason = `the core failed: ${cause instanceof Error ? cause.message : String(cause)}`;
    super(`[E_INTERNAL] ${reason}`, { cause });
    this.reason = reason;
    this.name = "CoreError";
  }
}

let compiled: WebAssembly.Module | undefined;
let alive = false;

/**
 * The core.
 *
 * @returns its calls; the first call compiles and instantiates it, synchronously.
 */
export function core(): Core {
  if (!alive) {
    compiled ??= new WebAssembly.Module(decode(base64));
    wasm.initSync({ module: compiled });
    alive = true;
  }
  return calls;
}

const calls: Core = {
  classifyLine: (line) => guarded(() => wasm.classifyLine(line)),
  planIngest: (call) => packed(wasm.planIngest, boundary.packIngest(call)),
  readWindow: (call) => packed(wasm.readWindow, boundary.packWindow(call)),
  planTurnStart: (call) => packed(wasm.planTurnStart, boundary.packTurnStart(call)) as ClientAnswer<"known" | "adopt" | "insert">,
  planTurnInterrupt: (call) =>
    packed(wasm.planTurnInterrupt, boundary.packTurnInterrupt(call)) as ClientAnswer<"interrupted">,
  planSession: (call) => packed(wasm.planSession, boundary.packSession(call)) as ClientAnswer<"session">,
  planCheckpoint: ({ cursor, known, streamExists }) =>
    guarded(() => wasm.planCheckpoint(cursor, known ?? -1, streamExists)) as ClientAnswer<"keep" | "raise">,
  chunksToLoad: (runtime) => packed(wasm.chunksToLoad, boundary.packOptions(runtime)),
};

function packed<Answer>(entry: (texts: Uint8Array, numbers: Float64Array) => Answer, call: boundary.Packed): Answer {
  return guarded(() => entry(call.texts, call.numbers));
}

/** A trapped instance may be corrupt: it is never asked again. */
function guarded<Answer>(call: () => Answer): Answer {
  try {
    return call();
  } catch (error) {
    alive = false;
    throw new CoreError(error);
  }
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (native) return native.call(Uint8Array, text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
