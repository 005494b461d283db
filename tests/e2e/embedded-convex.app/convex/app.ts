import {
  actionGeneric as action,
  componentsGeneric,
  internalMutationGeneric as internalMutation,
  makeFunctionReference,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { v } from "convex/values";

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the fixture has no generated code
const { comp } = componentsGeneric() as any;
const importTime = Date.now();
const importRandom = Math.random();
const importEnv = process.env["ACTOR_TENANT_ID"];

export const viaComponent = query({
  args: { fn: v.string() },
  handler: async (ctx, { fn }) => await ctx.runQuery(comp.lib[fn], {}),
});

export const add = mutation({
  args: { n: v.number() },
  handler: async (ctx, args) => await ctx.runMutation(comp.lib.add, args),
});

export const addMany = mutation({
  args: { ns: v.array(v.number()) },
  handler: async (ctx, { ns }) => {
    for (const n of ns) await ctx.runMutation(comp.lib.add, { n });
  },
});

export const edit = mutation({
  args: { id: v.string(), n: v.number() },
  handler: async (ctx, args) => await ctx.runMutation(comp.lib.edit, args),
});

export const get = query({
  args: { id: v.string() },
  handler: async (ctx, args) => await ctx.runQuery(comp.lib.get, args),
});

/** Another value each time that it runs. */
export const drawn = query({
  args: { id: v.string() },
  handler: async (ctx, args) => ({ row: await ctx.runQuery(comp.lib.get, args), draw: Math.random() }),
});

/** The same of the first rows that a filter lets pass. */
export const drawnOfEven = query({
  args: {},
  handler: async (ctx) => ({ rows: await ctx.runQuery(comp.lib.firstEven, {}), draw: Math.random() }),
});

/** The same of what lacks a field. */
export const drawnWithoutTag = query({
  args: {},
  handler: async (ctx) => ({ count: await ctx.runQuery(comp.lib.withoutTag, {}), draw: Math.random() }),
});

export const tag = mutation({
  args: { tag: v.optional(v.string()) },
  handler: async (ctx, args) => await ctx.runMutation(comp.lib.tag, args),
});

export const boom = mutation({
  args: {},
  handler: async (ctx) => {
    try {
      return await ctx.runMutation(comp.lib.boom, {});
    } catch (error) {
      const { code, n } = (error as { data: { code: string; n: bigint } }).data;
      return { code, n };
    }
  },
});

export const whoAmI = query({ args: {}, handler: async (ctx) => (await ctx.auth.getUserIdentity())?.subject ?? null });

export const echo = query({ args: { value: v.any() }, handler: async (_ctx, { value }) => value });

export const env = query({
  args: {},
  handler: async (ctx) => ({ import: importEnv, call: process.env["ACTOR_TENANT_ID"], comp: await ctx.runQuery(comp.lib.env, {}) }),
});

export const halfAPair = query({ args: {}, handler: async () => "\u{1f600}".slice(0, 1) });

export const storesHalfAPair = mutation({
  args: {},
  handler: async (ctx) => await ctx.runMutation(comp.lib.add, { n: 1, text: "\u{1f600}".slice(1) }),
});

export const clock = query({
  args: {},
  handler: async () => {
    const before = Date.now();
    for (let i = 0; i < 3e6; i++) Math.sqrt(i);
    return { frozen: before === Date.now(), importTime, importRandom, random: [Math.random(), Math.random()] };
  },
});

const NAMES = [
  ...["Buffer", "require", "queueMicrotask", "setImmediate", "window", "global"],
  ...["TextDecoder", "TextEncoder", "atob", "structuredClone", "crypto", "performance"],
  ...["WeakRef", "FinalizationRegistry", "WebAssembly", "URL", "self"],
];
export const globals = query({ args: {}, handler: async () => NAMES.filter((name) => name in globalThis) });

export const slow = mutation({
  args: { ms: v.number() },
  handler: async (_ctx, { ms }) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  },
});

/** Takes processor time, however busy the machine is. */
export const burn = query({
  args: { rounds: v.number() },
  handler: async (_ctx, { rounds }) => {
    let n = 0;
    for (let i = 0; i < rounds; i++) n = (n * 31 + i) | 0;
    return n;
  },
});

export const fetches = query({
  args: {},
  handler: async () => {
    await fetch("http://127.0.0.1:1");
  },
});

export const timers = mutation({
  args: {},
  handler: async () => {
    await new Promise((done) => setTimeout(done, 1));
  },
});

export const evals = query({ args: {}, handler: async () => (0, eval)("1") });

// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const ADD_WASM = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32,
  1, 106, 11,
];
interface AddExports {
  add: (a: number, b: number) => number;
}
const exportsOf = (instance: WebAssembly.Instance) => instance.exports as unknown as AddExports;
export const wasm = query({
  args: {},
  handler: async () => {
    const bytes = new Uint8Array(ADD_WASM);
    const sync = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    const { instance } = await WebAssembly.instantiate(bytes);
    return [exportsOf(sync).add(2, 3), exportsOf(instance).add(4, 5)];
  },
});

export const utf8 = query({
  args: { text: v.string() },
  handler: async (_ctx, { text }) => {
    const encoded = new TextEncoder().encode(text);
    const { written } = new TextEncoder().encodeInto(text, new Uint8Array(4));
    return { own: encoded instanceof Uint8Array, back: new TextDecoder("utf-8", { ignoreBOM: true }).decode(encoded), written };
  },
});

export const internalAdd = internalMutation({
  args: { n: v.number() },
  handler: async (ctx, args) => {
    await ctx.runMutation(comp.lib.add, args);
  },
});

export const act = action({
  args: {},
  handler: async (ctx) => {
    await ctx.runMutation(comp.lib.add, { n: 7 });
    await ctx.scheduler.runAfter(0, makeFunctionReference<"mutation">("app:internalAdd"), { n: 8 });
    return await ctx.runQuery(comp.lib.list, {});
  },
});

export const who = query({
  args: {},
  handler: async (ctx) => ({
    app: (await ctx.auth.getUserIdentity())?.subject ?? null,
    comp: await ctx.runQuery(comp.lib.auth, {}),
  }),
});

export const later = mutation({
  args: { n: v.number() },
  handler: async (ctx, args) => {
    await ctx.runMutation(comp.lib.later, args);
  },
});
