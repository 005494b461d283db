/** One wasm instance, one way for the Convex isolate, Node, vitest and a browser: bytes out of a module, made synchronously. */

import type { Packed } from "./boundary.js";

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

type Init = (module: { module: WebAssembly.Module }) => { readonly memory: WebAssembly.Memory };

/**
 * Bytes of an instance's memory beyond which the next call gets a new one: the modules that Convex asks free nothing. There
 * an instance lives for one call; in Node, in tests and tools, for many.
 */
const MEMORY_KEPT_BYTES_MAX = 16 * 1024 * 1024;

/** An instance that is made when it is first asked, and anew after a trap or when it has grown large. */
export class Instance {
  readonly #hex: string;
  readonly #init: Init;
  #compiled: WebAssembly.Module | undefined;
  #memory: WebAssembly.Memory | undefined;

  constructor(hex: string, init: Init) {
    this.#hex = hex;
    this.#init = init;
  }

  /** Asks it; one that trapped may be corrupt, and is never asked again. */
  ask<Answer>(call: () => Answer): Answer {
    try {
      const memory = (this.#memory ??= this.#load());
      const answer = call();
      if (memory.buffer.byteLength > MEMORY_KEPT_BYTES_MAX) this.#memory = undefined;
      return answer;
    } catch (error) {
      this.#memory = undefined;
      throw new CoreError(error);
    }
  }

  /** Asks an entry that takes a packed call. */
  askPacked<Answer>(entry: (texts: Uint8Array, numbers: Float64Array) => Answer, { texts, numbers }: Packed): Answer {
    return this.ask(() => entry(texts, numbers));
  }

  #load(): WebAssembly.Memory {
    this.#compiled ??= new WebAssembly.Module(decode(this.#hex));
    return this.#init({ module: this.#compiled }).memory;
  }
}

const CODE_OF_0 = 48;
const CODE_OF_9 = 57;
const CODE_OF_A = 97;

function decode(hex: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as { fromHex?: (hex: string) => Uint8Array<ArrayBuffer> }).fromHex;
  if (native) return native.call(Uint8Array, hex);
  const bytes = new Uint8Array(hex.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (digit(hex, 2 * at) << 4) | digit(hex, 2 * at + 1);
  return bytes;
}

function digit(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return code <= CODE_OF_9 ? code - CODE_OF_0 : code - CODE_OF_A + 10;
}
