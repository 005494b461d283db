import {
  internalQueryGeneric as internalQuery,
  makeFunctionReference,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { ConvexError, v } from "convex/values";

let calls = 0;

export const add = mutation({
  args: { n: v.number() },
  returns: v.id("rows"),
  handler: async (ctx, { n }) => await ctx.db.insert("rows", { n }),
});

export const list = query({
  args: {},
  returns: v.array(v.number()),
  handler: async (ctx) => (await ctx.db.query("rows").withIndex("by_n").collect()).map((row) => row.n),
});

export const get = query({
  args: { id: v.string() },
  handler: async (ctx, { id }) => await ctx.db.get(ctx.db.normalizeId("rows", id)!),
});

export const withoutTag = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("tagged").withIndex("by_tag", (q) => q.eq("tag", undefined)).collect()).length,
});

export const tag = mutation({
  args: { tag: v.optional(v.string()) },
  returns: v.null(),
  handler: async (ctx, row) => {
    await ctx.db.insert("tagged", row);
    return null;
  },
});

export const firstEven = query({
  args: {},
  handler: async (ctx) => {
    const isEven = ctx.db.query("rows").withIndex("by_n").filter((q) => q.eq(q.mod(q.field("n"), 2), 0));
    return (await isEven.take(1)).map((row) => row.n);
  },
});

export const edit = mutation({
  args: { id: v.string(), n: v.number() },
  returns: v.null(),
  handler: async (ctx, { id, n }) => {
    await ctx.db.patch(ctx.db.normalizeId("rows", id)!, { n });
    return null;
  },
});

export const others = query({
  args: {},
  returns: v.number(),
  handler: async (ctx) => (await ctx.db.query("others").collect()).length,
});

export const bump = query({ args: {}, returns: v.number(), handler: async () => ++calls });

export const page = query({
  args: {},
  handler: async (ctx) => await ctx.db.query("rows").paginate({ cursor: null, numItems: 1 }),
});

export const bad = query({ args: {}, returns: v.string(), handler: async () => 3 as unknown as string });

export const boom = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("rows", { n: 99 });
    throw new ConvexError({ code: "nope", n: 1n });
  },
});

export const hidden = internalQuery({ args: {}, handler: async () => 1 });

export const auth = query({ args: {}, handler: async (ctx) => await ctx.auth.getUserIdentity() });

export const env = query({ args: {}, handler: async () => process.env["ACTOR_TENANT_ID"] ?? null });

export const later = mutation({
  args: { n: v.number() },
  handler: async (ctx, args) => {
    await ctx.scheduler.runAfter(0, makeFunctionReference<"mutation">("lib:add"), args);
  },
});
