// One fresh V8 context for every function call, as the backend's isolate does it.
import vm from "node:vm";
import { performance as hostPerformance } from "node:perf_hooks";
import { convexToJson } from "convex/values";
import { GLOBALS_SOURCE } from "./globals.mjs";
import { seededRandom } from "./random.mjs";

if (typeof vm.SourceTextModule !== "function") {
  throw new Error("run node with --experimental-vm-modules (cli.mjs does it by itself)");
}

/** The import phase sees a time frozen when the app was pushed. */
const IMPORT_TIME_MS = 1_700_000_000_000;
const IMPORT_TIMEOUT_MS = 5000;
const IMPORT_SEED = 1;
const CONVEX_ERROR = Symbol.for("ConvexError");

const ROOT_SOURCE = `import "entry"; import.meta.done();`;

const globalsScript = new vm.Script(GLOBALS_SOURCE, { filename: "convex-isolate-globals.js" });
const encoder = new TextEncoder();
const clock = () => hostPerformance.now();

const refusedInFunctions = (what) =>
  new Error(
    `Can't use ${what} in queries and mutations. Please consider using an action. See https://docs.convex.dev/functions/actions for more details.`,
  );

/** The modules of one component (or of the app) as they were pushed. */
export class ModuleSet {
  constructor(modules, label) {
    this.label = label || "app";
    this.sources = new Map(modules.map((module) => [module.path, module]));
    this.codeCache = new Map(); // the backend keeps V8's code cache of every module too
  }

  get entryPaths() {
    return [...this.sources.keys()].filter((path) => !path.startsWith("_deps/"));
  }
}

/**
 * Evaluates `entry` and all it imports in a fresh context.
 *
 * @param {ModuleSet} set
 * @param {string} entry path of the module
 * @param {object} options `kind` ("query" | "mutation" | "action" | "import"), `syscalls`, `env`, `seed`, `fetch`, `onLog`,
 *   `polyfillBase64`, `codeCache`
 */
export async function loadModule(set, entry, options = {}) {
  const timings = { context: 0, compile: 0, evaluate: 0, wasmImport: [], wasmCall: [] };
  const state = { importing: true, random: seededRandom(IMPORT_SEED), nowMs: Date.now(), startMs: 0 };

  let start = clock();
  // Strings are no code here (`eval`, `new Function`), WebAssembly is: as the isolate's V8 flags have it.
  const context = vm.createContext(vm.constants?.DONT_CONTEXTIFY ?? {}, {
    codeGeneration: { strings: false, wasm: true },
    name: `convex:${set.label}/${entry}`,
  });
  globalsScript.runInContext(context)(hostInterface(state, timings, options));
  timings.context = clock() - start;

  start = clock();
  const made = new Map();
  const make = (path) => {
    if (!made.has(path)) made.set(path, compile(set, path, context, options));
    return made.get(path);
  };
  const entryModule = make(entry);
  // A graph with a top-level await leaves the body of this root unrun when `evaluate` returns; the isolate refuses such a graph.
  let ranInOneGo = false;
  const root = new vm.SourceTextModule(ROOT_SOURCE, {
    context,
    initializeImportMeta(meta) {
      meta.done = () => {
        ranInOneGo = true;
      };
    },
  });
  await root.link((specifier, from) => (specifier === "entry" ? entryModule : make(resolve(specifier, from.identifier))));
  timings.compile = clock() - start;

  start = clock();
  const evaluated = root.evaluate({ timeout: IMPORT_TIMEOUT_MS });
  timings.evaluate = clock() - start;
  if (!ranInOneGo && root.status !== "errored") {
    evaluated.catch(() => {});
    await new Promise((next) => setImmediate(next));
    if (root.status !== "errored") throw new Error("Top-level awaits in source files are unsupported");
  }
  await evaluated;

  return {
    namespace: entryModule.namespace,
    timings,
    /** Ends the import phase: from here on syscalls are allowed. */
    begin() {
      state.importing = false;
      state.random = seededRandom(options.seed ?? IMPORT_SEED);
      state.startMs = clock();
    },
    moduleCount: made.size,
    moduleBytes: [...made.keys()].reduce((sum, path) => sum + set.sources.get(path).source.length, 0),
  };
}

function compile(set, path, context, { codeCache = true }) {
  const module = set.sources.get(path);
  if (!module) throw new Error(`Module not found: ${path} (in ${set.label})`);
  const compiled = new vm.SourceTextModule(module.source, {
    identifier: `convex:/${path}`,
    context,
    cachedData: codeCache ? set.codeCache.get(path) : undefined,
    initializeImportMeta() {
      throw new TypeError("import.meta unsupported");
    },
    importModuleDynamically() {
      throw new TypeError("dynamic module import unsupported");
    },
  });
  if (codeCache && !set.codeCache.has(path)) set.codeCache.set(path, compiled.createCachedData());
  return compiled;
}

function resolve(specifier, from) {
  const url = new URL(specifier, from); // a bare specifier is an error in the isolate too
  if (url.protocol !== "convex:") throw new Error(`Unsupported scheme (${url.protocol}) in ${specifier}`);
  return url.pathname.replace(/^\//, "");
}

/** What the globals inside a context call on the outside. */
function hostInterface(state, timings, options) {
  const inFunction = options.kind === "query" || options.kind === "mutation";
  const notAtImport = (what) => {
    if (state.importing) throw new Error(`${what} unsupported at import time`);
  };
  const dataOf = (error) =>
    error && typeof error === "object" && CONVEX_ERROR in error ? JSON.stringify(convexToJson(error.data ?? null)) : undefined;

  return {
    clock,
    timeOrigin: IMPORT_TIME_MS,
    now() {
      if (state.importing) return IMPORT_TIME_MS;
      return options.kind === "action" ? Date.now() : state.nowMs;
    },
    performanceNow() {
      if (state.importing) return 0;
      const frozen = state.nowMs - IMPORT_TIME_MS;
      return options.kind === "query" ? frozen : frozen + (clock() - state.startMs);
    },
    random: () => state.random(),

    syscall(op, json) {
      notAtImport(`Syscall ${op}`);
      return options.syscalls.syscall(op, json);
    },
    asyncSyscall(op, json, resolved, rejected) {
      notAtImport(`Syscall ${op}`);
      options.syscalls.asyncSyscall(op, json).then(resolved, (error) => rejected(error?.message ?? String(error), dataOf(error)));
    },
    jsSyscall(op, args) {
      notAtImport(op);
      return options.syscalls.jsSyscall(op, args);
    },

    utf8Encode: (text) => encoder.encode(text),
    utf8EncodeInto(text, space) {
      const bytes = new Uint8Array(space);
      const { read, written } = encoder.encodeInto(text, bytes);
      return { bytes: bytes.subarray(0, written), read, written };
    },
    makeDecoder(label, fatal, ignoreBOM) {
      const decoder = new TextDecoder(label, { fatal, ignoreBOM });
      return { encoding: decoder.encoding, decode: (bytes, stream) => decoder.decode(bytes, { stream }) };
    },
    atob: (text) => atob(text),
    btoa: (text) => btoa(text),
    fromBase64: options.polyfillBase64 === false ? undefined : (text) => Buffer.from(text, "base64"),
    fromHex: options.polyfillBase64 === false ? undefined : (text) => Buffer.from(text, "hex"),
    structuredClone: (value) => structuredClone(value),
    subtle: () => globalThis.crypto.subtle,

    console(level, args) {
      options.onLog?.(level, args.map((arg) => (typeof arg === "string" ? arg : inspect(arg))));
    },
    timer(name, args) {
      const clears = name.startsWith("clear");
      if (clears && (inFunction || state.importing)) return undefined;
      notAtImport(name);
      if (inFunction) throw refusedInFunctions(name);
      const timer = globalThis[name](...args);
      return clears ? undefined : timer[Symbol.toPrimitive]();
    },
    fetch(args) {
      notAtImport("fetch()");
      if (inFunction) throw refusedInFunctions("fetch()");
      return (options.fetch ?? globalThis.fetch)(...args);
    },
    env: (name) => options.env?.[name],
    wasm(kind, ms, bytes) {
      (state.importing ? timings.wasmImport : timings.wasmCall).push({ kind, ms, bytes });
    },
    crossed: () => options.crossed?.(),
    lent: {
      URL, URLSearchParams, Headers, Request, Response, FormData, Blob, AbortController, AbortSignal, Event, EventTarget,
      DOMException, ReadableStream, WritableStream, TransformStream,
    },
  };
}

function inspect(value) {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
