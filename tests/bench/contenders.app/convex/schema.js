// The package's own tables, for the same rules in plain JavaScript, and one more.
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import codexLocal from "../../../../dist/lib/component/schema.js";

export default defineSchema({ ...codexLocal.tables, batches: defineTable({ text: v.string() }) });
