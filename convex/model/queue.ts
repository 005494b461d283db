/** Commands that are open: queued, or with their runtime. */
import type { Doc } from "../_generated/dataModel.js";
import type { ReadCtx, Scope } from "./scope.js";

/** Commands of a user that are open at once, beside interrupts and the component's own. SOURCE: `src/limits.rs`, COMMANDS_OPEN_MAX. */
export const COMMANDS_OPEN_MAX = 100;

type Command = Doc<"commands">;

/** The user's open commands, of all threads: see {@link fromBothEnds}. */
export function openCommands(ctx: ReadCtx, { tenantId, userId }: Scope): Promise<Command[]> {
  const rows = () => ctx.db.query("commands").withIndex("by_open", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("open", true));
  return fromBothEnds((order) => rows().order(order).take(COMMANDS_OPEN_MAX));
}

/** A thread's open commands, in the order of sending: see {@link fromBothEnds}. */
export function openCommandsOf(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string): Promise<Command[]> {
  const rows = () =>
    ctx.db
      .query("commands")
      .withIndex("by_thread_open", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("open", true));
  return fromBothEnds((order) => rows().order(order).take(COMMANDS_OPEN_MAX));
}

/**
 * The oldest commands, and where those are as many as a user can send, behind them the newest: an interrupt, and what the
 * component sends itself, is open beyond that bound, and is not to wait until it is among the oldest.
 */
async function fromBothEnds(take: (order: "asc" | "desc") => Promise<Command[]>): Promise<Command[]> {
  const oldest = await take("asc");
  if (oldest.length < COMMANDS_OPEN_MAX) return oldest;
  const known = new Set(oldest.map(({ _id }) => _id));
  const newest = (await take("desc")).filter(({ _id }) => !known.has(_id));
  return [...oldest, ...newest.reverse()];
}
