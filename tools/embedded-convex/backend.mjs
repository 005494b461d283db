// Functions run in fresh contexts; the database, transactions, validators, scheduler and component boundaries are convex-test's.
import { AsyncLocalStorage } from "node:async_hooks";
import { performance } from "node:perf_hooks";
import { convexTest } from "convex-test";
import { makeFunctionReference } from "convex/server";
import { ConvexError, convexToJson, jsonToConvex } from "convex/values";
import { componentsOf, keepInOrder } from "./database.mjs";
import { Footprint } from "./footprint.mjs";
import { loadModule } from "./isolate.mjs";
import { assertWellFormed, assertWellFormedJson } from "./text.mjs";
import { UsageCounter, addUsage, emptyUsage, isDocumentWrite, tableOfId } from "./usage.mjs";

export const USER_TIME_LIMIT_MS = 1000;
export const ARGUMENT_BYTES_MAX = 16 * 1024 * 1024;
/** `serve` runs for long: older records are let go. */
const CALLS_KEPT_MAX = 10_000;
const CONVEX_ERROR = Symbol.for("ConvexError");
/** Of the first call; every other has another. */
const SEED = 42;
const EMPTY_SCHEMA = {
  tables: {},
  strictTableNameTypes: false,
  schemaValidation: false,
  export: () => JSON.stringify({ tables: [], schemaValidation: false }),
};

/** An app that was pushed, with an empty database. */
export class Backend {
  /** Records of function executions, nested ones included, in the order in which they ended. */
  calls = [];
  #started = 0;
  #quick = false;
  #definitions = new Map();
  #databases;
  #listeners = new Set();
  #collectors = new Set();
  /** The call that is running: nested calls add their usage to it. */
  #scope = new AsyncLocalStorage();

  /**
   * @param {object} push what `pushApp` gave
   * @param {object} [options] `env` (the app's process.env, also taken from the push), `seed`, `fetch`, `onLog(level, args)`,
   *   `transactionLimits` (default true, or tighter ones), `polyfillBase64`, `codeCache`, `component`: the definition path of
   *   a component that is all there is: `t` calls its functions, and the rules of components hold; `modules`: what `quickly` calls,
   *   `footprints`: keep what each call read and wrote (footprint.mjs), at the price of reads that count against the limits
   */
  constructor(push, options = {}) {
    this.push = push;
    this.options = options;
    this.env = { ...push.env, ...options.env };
    const root = push.components.get(options.component ?? "");
    this.#definitions.set("", root);
    this.t = convexTest({
      schema: root.schemaObject,
      modules: this.#modules(root, ""),
      transactionLimits: options.transactionLimits ?? true,
    });
    this.#databases = componentsOf(this.t);
    if (this.#isApp("")) this.#mount(push.app, "");
    for (const { db } of Object.values(this.#databases)) keepInOrder(db);
  }

  /**
   * Calls a function of the app by its path, such as "chat:send".
   *
   * @returns {Promise<{value: any, calls: object[]}>} `calls` are the executions that it took, nested ones included
   */
  async call(path, args = {}, identity) {
    const { ok, value, error, calls } = await this.run(path, args, identity);
    if (!ok) throw error;
    return { value, calls };
  }

  /** The same without throwing: `{ok, value?, error?, calls}`. */
  async run(path, args = {}, identity) {
    const calls = [];
    try {
      assertArguments(args);
      const t = identity ? this.t.withIdentity(identity) : this.t;
      const udfPath = path.includes(":") ? path : `${path}:default`;
      const value = await this.#scope.run({ calls }, () => t.fun({ componentPath: "", udfPath }, args));
      return { ok: true, value, calls };
    } catch (error) {
      return { ok: false, error, calls };
    }
  }

  /**
   * What everything that runs inside `work` costs, scheduled functions that end in that time included.
   *
   * @returns usage (see usage.mjs), `byFunction`: the same by function with its number of `calls`, and `value` of `work`
   */
  async measure(work) {
    const calls = [];
    this.#collectors.add(calls);
    try {
      const value = await work();
      const byFunction = {};
      for (const { component, fn, usage } of calls) {
        const one = (byFunction[`${component || "app"}/${fn}`] ??= { calls: 0, ...emptyUsage() });
        one.calls += 1;
        for (const key of Object.keys(usage)) one[key] += usage[key];
      }
      return { ...calls.reduce((sum, { usage }) => addUsage(sum, usage), emptyUsage()), byFunction, value };
    } finally {
      this.#collectors.delete(calls);
    }
  }

  /** Runs `work` with the functions of `options.modules` (path -> import), without contexts of their own: for what a test needs to be there. */
  async quickly(work) {
    this.#quick = true;
    try {
      return await work();
    } finally {
      this.#quick = false;
    }
  }

  /** The fields of an index; a call's footprint names it. */
  fieldsOf = (component, table, index) => {
    const { schemaObject } = this.#definitions.get(component);
    const found = schemaObject?.tables[table]?.export().indexes.find(({ indexDescriptor }) => indexDescriptor === index);
    return found?.fields ?? [];
  };

  /** `listener(record)` hears of every call that wrote; with `footprints` it tells what. It may hear before the transaction is over; a query waits for its end. */
  onWrite(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The description of an app function, or undefined. */
  describe(path) {
    const [module, name = "default"] = path.split(":");
    return this.push.components.get("").functions[`${module}.js`]?.functions.find((fn) => fn.name === name);
  }

  #isApp(componentPath) {
    return componentPath === "" && this.options.component === undefined;
  }

  #mount(node, parentPath) {
    for (const [name, child] of Object.entries(node.childComponents)) {
      const componentPath = parentPath ? `${parentPath}/${name}` : name;
      const component = this.push.components.get(child.definitionPath);
      this.#definitions.set(componentPath, component);
      this.t.registerComponent(componentPath, component.schemaObject ?? EMPTY_SCHEMA, this.#modules(component, componentPath));
      this.#mount(child, componentPath);
    }
  }

  /** Modules in the form that convex-test imports: every function is a shim which runs the real one in a fresh context. */
  #modules(component, componentPath) {
    const modules = { "./_generated/api.js": async () => ({}) };
    for (const [path, { functions }] of Object.entries(component.functions)) {
      const shims = functions.map((fn) => [fn.name, this.#shim(component.set, componentPath, path, fn)]);
      modules[`./${path}`] = async () => Object.fromEntries(shims);
    }
    return modules;
  }

  #shim(set, componentPath, path, fn) {
    const shim = () => {
      throw new Error("not callable directly");
    };
    shim[`is${fn.udfType}`] = true;
    shim[fn.visibility?.kind === "internal" ? "isInternal" : "isPublic"] = true;
    shim.exportArgs = () => fn.args;
    shim.exportReturns = () => fn.returns;
    shim._handler = async (ctx, args) => {
      if (!this.#quick) return await this.#invoke({ set, componentPath, path, fn }, ctx, args);
      return await (await this.options.modules[path]())[fn.name]._handler(ctx, args);
    };
    return shim;
  }

  async #invoke({ set, componentPath, path, fn }, ctx, args) {
    const kind = fn.udfType.toLowerCase();
    const counter = new UsageCounter();
    const outer = this.#scope.getStore();
    const record = {
      component: componentPath,
      fn: `${path.replace(/\.js$/, "")}:${fn.name}`,
      kind,
      /** Its own, and with that of the calls that it made. */
      usage: counter.usage,
      totalUsage: emptyUsage(),
      footprint: this.options.footprints ? new Footprint(componentPath) : undefined,
      syscalls: 0,
      syscallMs: 0,
    };
    const scope = { calls: outer?.calls, record };
    const start = performance.now();
    const cpuStart = process.cpuUsage();
    try {
      const syscalls = this.#scope.run(scope, () => this.#syscalls(ctx, componentPath, record, counter));
      const module = await loadModule(set, path, {
        ...this.options,
        seed: (this.options.seed ?? SEED) + this.#started++,
        kind,
        syscalls,
        crossed: () => (counter.usage.crossings += 1),
        env: this.#isApp(componentPath) ? this.env : {},
      });
      record.moduleCount = module.moduleCount;
      record.moduleBytes = module.moduleBytes;
      record.timings = module.timings;
      const value = await execute(module, fn.name, kind, args, record);
      record.ok = true;
      return value;
    } catch (error) {
      record.ok = false;
      record.error = error?.message;
      throw received(error);
    } finally {
      this.#finish(record, counter, { start, cpuStart }, outer);
    }
  }

  #finish(record, counter, { start, cpuStart }, outer) {
    const wasm = [...(record.timings?.wasmImport ?? []), ...(record.timings?.wasmCall ?? [])];
    record.wasmMs = wasm.reduce((sum, { ms }) => sum + ms, 0);
    record.totalMs = performance.now() - start;
    // On a busy machine most of the time is others': a call has used no more than this process has.
    const cpu = process.cpuUsage(cpuStart);
    record.userMs = Math.min(record.totalMs - record.syscallMs, (cpu.user + cpu.system) / 1000);
    addUsage(record.totalUsage, record.usage);
    if (outer?.record) addUsage(outer.record.totalUsage, record.totalUsage);
    if (record.footprint) outer?.record?.footprint?.include(record.footprint);
    this.calls.push(record);
    if (this.calls.length > CALLS_KEPT_MAX) this.calls.splice(0, CALLS_KEPT_MAX / 2);
    outer?.calls?.push(record);
    for (const collector of this.#collectors) collector.push(record);
    if (record.usage.documentsWritten > 0) {
      for (const listener of this.#listeners) listener(record);
    }
    if (record.kind !== "action" && record.userMs > USER_TIME_LIMIT_MS) {
      const used = `${record.fn} used ${record.userMs.toFixed(0)} ms of user time`;
      throw new Error(`Function execution timed out (maximum duration: 1s): ${used}`);
    }
  }

  #syscalls(ctx, componentPath, record, counter) {
    // convex-test finds its transaction, and a nested call its caller, through the async context of this moment.
    const inScope = AsyncLocalStorage.snapshot();
    let waiting = 0;
    let waitStart = 0;
    return {
      syscall: (op, json) => {
        record.syscalls += 1;
        const start = performance.now();
        try {
          assertWellFormedJson(json, op);
          counter.countSync(op);
          const answer = inScope(() => globalThis.Convex.syscall(op, json));
          if (op === "1.0/queryStream") record.footprint?.startedQuery(JSON.parse(answer).queryId, JSON.parse(json).query);
          if (op === "1.0/queryCleanup") delete this.#databases[componentPath].db._queryResults[JSON.parse(json).queryId];
          return answer;
        } finally {
          record.syscallMs += performance.now() - start;
        }
      },
      jsSyscall: (op, args) => inScope(() => globalThis.Convex.jsSyscall(op, args)),
      asyncSyscall: async (op, json) => {
        record.syscalls += 1;
        if (waiting++ === 0) waitStart = performance.now();
        try {
          assertWellFormedJson(json, op);
          const { answer, bytesWritten, before, after } = await inScope(() => this.#asyncSyscall(op, json, ctx, componentPath, record.kind));
          counter.countAsync(op, answer, bytesWritten);
          if (record.footprint) follow(record.footprint, op, JSON.parse(json), JSON.parse(answer), before, after);
          return answer;
        } finally {
          if (--waiting === 0) record.syscallMs += performance.now() - waitStart;
        }
      },
    };
  }

  async #asyncSyscall(op, json, ctx, componentPath, kind) {
    switch (op) {
      case "1.0/getUserIdentity":
        return { answer: JSON.stringify(convexToJson((await ctx.auth.getUserIdentity()) ?? null)) };
      case "1.0/queryPage":
        // As the backend does; convex-test lets it pass.
        if (!this.#isApp(componentPath)) throw new Error("paginate() is only supported in the app.");
        break;
      case "1.0/actions/query":
        return { answer: await callFromAction(ctx.runQuery, json) };
      case "1.0/actions/mutation":
        return { answer: await callFromAction(ctx.runMutation, json) };
      case "1.0/actions/action":
        return { answer: await callFromAction(ctx.runAction, json) };
      case "1.0/schedule":
      case "1.0/actions/schedule":
        // A scheduled function is nobody's nested call.
        return { answer: await this.#scope.exit(() => globalThis.Convex.asyncSyscall(op, json)) };
    }
    if (!isDocumentWrite(op) || kind !== "mutation") return { answer: await globalThis.Convex.asyncSyscall(op, json) };
    const { table, id } = JSON.parse(json);
    // Started back to back, each of them does its work before it first yields: nothing else comes between.
    const rowNow = (of) => (this.options.footprints && of !== undefined ? rowOf(table, of) : null);
    const rowBefore = rowNow(id);
    const [before, answer, after] = await Promise.all([bytesWrittenSoFar(), globalThis.Convex.asyncSyscall(op, json), bytesWrittenSoFar()]);
    const rowAfter = rowNow(id ?? JSON.parse(answer)._id);
    return { answer, bytesWritten: after - before, before: await rowBefore, after: await rowAfter };
  }
}

async function rowOf(table, id) {
  return jsonToConvex(JSON.parse(await globalThis.Convex.asyncSyscall("1.0/get", JSON.stringify({ table, id }))));
}

function follow(footprint, op, asked, answer, before, after) {
  if (op === "1.0/get") footprint.got(asked.table ?? tableOfId(asked.id), asked.id);
  else if (op === "1.0/queryPage") footprint.readPage(asked.query);
  else if (op === "1.0/queryStreamNext") footprint.next(asked.queryId, answer.done ? null : jsonToConvex(answer.value));
  else if (isDocumentWrite(op)) footprint.wrote(asked.table ?? tableOfId(asked.id), before, after);
}

async function bytesWrittenSoFar() {
  const metrics = JSON.parse(await globalThis.Convex.asyncSyscall("1.0/getTransactionMetrics", "{}"));
  return metrics.bytesWritten.used;
}

async function execute(module, name, kind, args, record) {
  const fn = module.namespace[name];
  const argsJson = JSON.stringify(convexToJson([args]));
  module.begin();
  const start = performance.now();
  const invoke = {
    query: () => fn.invokeQuery(argsJson),
    mutation: () => fn.invokeMutation(argsJson),
    action: () => fn.invokeAction("embedded-request", argsJson),
  };
  const json = await invoke[kind]();
  record.callMs = performance.now() - start;
  assertWellFormedJson(json, `the value returned by ${record.fn}`);
  return jsonToConvex(JSON.parse(json));
}

async function callFromAction(run, json) {
  const { functionHandle, reference, name, args } = JSON.parse(json);
  const byReference = reference ? { [Symbol.for("toReferencePath")]: reference } : makeFunctionReference(name);
  const value = await run(functionHandle ?? byReference, jsonToConvex(args));
  return JSON.stringify(convexToJson(value ?? null));
}

/** What the caller gets of the ConvexError of another context: an own one, with the data that the function has serialized. */
function received(error) {
  if (error === null || typeof error !== "object" || !(CONVEX_ERROR in error) || error instanceof ConvexError) return error;
  const own = new ConvexError(parsed(error.data));
  own.stack = error.stack;
  return own;
}

function parsed(data) {
  try {
    return jsonToConvex(JSON.parse(data));
  } catch {
    return data; // It was a string from the start.
  }
}

function assertArguments(args) {
  assertWellFormed(args, "arguments");
  const bytes = Buffer.byteLength(JSON.stringify(convexToJson(args)));
  if (bytes > ARGUMENT_BYTES_MAX) {
    throw Object.assign(new Error(`Arguments are too large (actual: ${bytes} bytes, limit: ${ARGUMENT_BYTES_MAX} bytes)`), {
      code: "E_EMBEDDED_ARGUMENT_BYTES",
    });
  }
}
