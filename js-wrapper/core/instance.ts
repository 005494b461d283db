/** One wasm instance, one way for the Convex isolate, Node, vitest and a browser: bytes out of a module, made synchronously. */

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

/** An instance that is made when it is first asked, and anew after a trap. */
export class Instance {
  readonly #base64: string;
  readonly #init: (module: { module: WebAssembly.Module }) => unknown;
  #compiled: WebAssembly.Module | undefined;
  #alive = false;

  constructor(base64: string, init: (module: { module: WebAssembly.Module }) => unknown) {
    this.#base64 = base64;
    this.#init = init;
  }

  /** Asks it; one that trapped may be corrupt, and is never asked again. */
  ask<Answer>(call: () => Answer): Answer {
    try {
      this.#load();
      return call();
    } catch (error) {
      this.#alive = false;
      throw new CoreError(error);
    }
  }

  #load(): void {
    if (this.#alive) return;
    this.#compiled ??= new WebAssembly.Module(decode(this.#base64));
    this.#init({ module: this.#compiled });
    this.#alive = true;
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
