import { query } from "./_generated/server";
import { v } from "convex/values";

/** The issuer of whom the demo's embedded Convex takes everybody for. */
const EMBEDDED = "embedded-convex";

/** Who is looking, for the page to say; null where nobody is signed in. */
export const viewer = query({
  args: {},
  returns: v.union(v.null(), v.object({ name: v.string(), isDemo: v.boolean() })),
  handler: async (ctx) => {
    const identity = await ctx.auth.getUserIdentity();
    if (identity === null) return null;
    return { name: identity.name ?? identity.email ?? identity.subject, isDemo: identity.issuer === EMBEDDED };
  },
});
