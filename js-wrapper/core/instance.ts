/** One wasm instance, one way for the Convex isolate, Node, vitest and a browser: bytes out of a module, made synchronously. */

import type { Packed } from "./boundary.js";
import { wasmBytesOf } from "./wasm-bytes.js";

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
  readonly #text: string;
  readonly #init: Init;
  #compiled: WebAssembly.Module | undefined;
  #memory: WebAssembly.Memory | undefined;

  constructor(text: string, init: Init) {
    this.#text = text;
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
    this.#compiled ??= new WebAssembly.Module(wasmBytesOf(this.#text));
    return this.#init({ module: this.#compiled }).memory;
  }
}
