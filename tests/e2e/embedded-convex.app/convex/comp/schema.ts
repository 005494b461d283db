import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  rows: defineTable({ n: v.number(), text: v.optional(v.string()) }).index("by_n", ["n"]),
  others: defineTable({}),
  tagged: defineTable({ tag: v.optional(v.string()) }).index("by_tag", ["tag"]),
});
