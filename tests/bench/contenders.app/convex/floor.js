// What no ingest can be below: a batch comes in as one text, and is written as it came into one row.
import { mutationGeneric } from "convex/server";
import { v } from "convex/values";

export const keep = mutationGeneric({
  args: { text: v.string() },
  returns: v.null(),
  handler: async (ctx, { text }) => {
    await ctx.db.insert("batches", { text });
    return null;
  },
});
