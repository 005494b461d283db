// Source text evaluated once inside every fresh context. It installs the globals that the Convex isolate installs on top of bare V8,
// and nothing else: no Buffer, no require, no queueMicrotask, no setImmediate, no window.
// What a function is likely to `instanceof`-check is built inside the context's own realm; web classes that never matter for
// determinism (URL, Headers, ...) are lent from the host.
// SOURCE: get-convex/convex-backend npm-packages/udf-runtime/src/setup.ts and its siblings
export const GLOBALS_SOURCE = `(function (host) {
  "use strict";
  const g = globalThis;
  const define = (name, value) =>
    Object.defineProperty(g, name, { value, writable: true, configurable: true, enumerable: false });

  // --- syscalls ---
  define("Convex", {
    syscall: (op, json) => host.syscall(String(op), String(json)),
    asyncSyscall: (op, json) =>
      new Promise((resolve, reject) => {
        const fail = (message, dataJson) => {
          const error = new Error(message);
          if (dataJson !== undefined) error.data = JSON.parse(dataJson);
          reject(error);
        };
        host.asyncSyscall(String(op), String(json), (answer) => resolve(answer), fail);
      }),
    jsSyscall: (op, args) => host.jsSyscall(String(op), args),
  });

  // --- determinism: Date, Math.random, weak references ---
  const RealDate = g.Date;
  function FakeDate(...args) {
    if (!new.target) return new RealDate(host.now()).toString();
    return args.length === 0 ? new RealDate(host.now()) : new RealDate(...args);
  }
  FakeDate.now = () => host.now();
  FakeDate.parse = RealDate.parse;
  FakeDate.UTC = RealDate.UTC;
  FakeDate.prototype = RealDate.prototype;
  FakeDate.prototype.constructor = FakeDate;
  Object.defineProperty(FakeDate, "name", { value: "Date" });
  define("Date", FakeDate);
  Math.random = () => host.random();
  delete g.WeakRef;
  delete g.FinalizationRegistry;
  define("WeakRef", class WeakRef {
    #target;
    constructor(target) { this.#target = target; }
    deref() { return this.#target; }
  });
  define("FinalizationRegistry", class FinalizationRegistry {
    constructor(cleanup) {
      if (typeof cleanup !== "function") throw new TypeError("cleanup must be callable");
    }
    register() {}
    unregister() {}
  });

  // --- text and base64: each call crosses to the host, as it crosses to Rust in the real isolate ---
  define("TextEncoder", class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(text = "") { return new Uint8Array(host.utf8Encode(String(text))); }
    encodeInto(text, dest) {
      const { bytes, read, written } = host.utf8EncodeInto(String(text), dest.length);
      dest.set(bytes, 0);
      return { read, written };
    }
  });
  define("TextDecoder", class TextDecoder {
    #decoder;
    constructor(label = "utf-8", options = {}) {
      this.#decoder = host.makeDecoder(String(label), !!options.fatal, !!options.ignoreBOM);
      this.fatal = !!options.fatal;
      this.ignoreBOM = !!options.ignoreBOM;
      this.encoding = this.#decoder.encoding;
    }
    decode(input, options) {
      if (input === undefined) return "";
      const bytes = ArrayBuffer.isView(input)
        ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
        : new Uint8Array(input, 0, input.byteLength);
      return this.#decoder.decode(bytes.slice(), !!(options && options.stream));
    }
  });
  define("atob", (text) => host.atob(String(text)));
  define("btoa", (text) => host.btoa(String(text)));
  // The real isolate runs V8 with --js-base64, which has both; an older Node's V8 has neither.
  for (const name of ["fromBase64", "fromHex"]) {
    if (!host[name] || Uint8Array[name]) continue;
    const value = (text) => new Uint8Array(host[name](String(text)));
    Object.defineProperty(Uint8Array, name, { configurable: true, writable: true, value });
  }
  define("structuredClone", (value) => host.structuredClone(value));

  // --- crypto: seeded randomness only, as in a query or a mutation ---
  define("crypto", {
    getRandomValues(array) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(host.random() * 256);
      return array;
    },
    randomUUID() {
      let hex = "";
      for (let i = 0; i < 32; i++) hex += Math.floor(host.random() * 16).toString(16);
      return [hex.slice(0, 8), hex.slice(8, 12), "4" + hex.slice(13, 16), "a" + hex.slice(17, 20), hex.slice(20)].join("-");
    },
    get subtle() { return host.subtle(); },
  });
  define("performance", {
    now: () => host.performanceNow(),
    get timeOrigin() { return host.timeOrigin; },
    mark() {},
    measure() {},
  });
  const log = (level) => (...args) => host.console(level, args);
  define("console", {
    debug: log("DEBUG"), error: log("ERROR"), info: log("INFO"), log: log("LOG"), warn: log("WARN"), trace: log("TRACE"),
    time() {}, timeLog() {}, timeEnd() {},
  });

  // --- timers and fetch: they throw in queries, in mutations and at import ---
  for (const name of ["setTimeout", "setInterval", "clearTimeout", "clearInterval"]) {
    define(name, (...args) => host.timer(name, args));
  }
  define("fetch", (...args) => host.fetch(args));

  const env = new Proxy({}, { get: (_target, name) => (typeof name === "string" ? host.env(name) : undefined) });
  define("process", { env });
  define("self", g);
  for (const [name, value] of Object.entries(host.lent)) define(name, value);

  // --- WebAssembly, timed, and its calls counted; its behaviour is untouched ---
  const instantiate = WebAssembly.instantiate;
  const timed = (Class, kind) =>
    new Proxy(Class, {
      construct(target, args) {
        const start = host.clock();
        try {
          return Reflect.construct(target, args, target);
        } finally {
          host.wasm(kind, host.clock() - start, args[0] && args[0].byteLength);
        }
      },
    });
  WebAssembly.Module = timed(WebAssembly.Module, "compile");
  // What the glue calls for its own ends has a name that begins with two underscores.
  const countsCalls = (name, work) => (typeof work === "function" && !name.startsWith("__") ? (...args) => (host.crossed(), work(...args)) : work);
  const counted = (Class) =>
    new Proxy(Class, {
      construct(target, args) {
        const { exports } = Reflect.construct(target, args, target);
        const all = Object.entries(exports).map(([name, work]) => [name, countsCalls(name, work)]);
        return Object.create(target.prototype, { exports: { value: Object.freeze(Object.fromEntries(all)) } });
      },
    });
  WebAssembly.Instance = counted(timed(WebAssembly.Instance, "instantiate"));
  WebAssembly.instantiate = function (source, imports) {
    const start = host.clock();
    const done = instantiate.call(WebAssembly, source, imports);
    done.then(() => host.wasm("async-instantiate", host.clock() - start, source && source.byteLength), () => {});
    return done;
  };
  // The isolate has no streaming compilation.
  delete WebAssembly.compileStreaming;
  delete WebAssembly.instantiateStreaming;
})`;
