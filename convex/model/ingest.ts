/** How a batch is taken: loaded, planned by the core, applied. */
import type { Fault, IngestAnswer, Needs, Plan } from "../../js-wrapper/core/boundary.js";
import { planIngest } from "../../js-wrapper/core/ingest.js";
import { given } from "../../js-wrapper/given.js";
import { internal } from "../_generated/api.js";
import type { MutationCtx } from "../_generated/server.js";
import { coded } from "../errors.js";
import { applySession, applyWrites } from "./apply.js";
import { fit } from "./bounds.js";
import { decide } from "./core.js";
import { loadIngest, loadNeeds, type IngestArgs } from "./load.js";
import { scopeOf } from "./scope.js";
import { CROWDED, isCrowded } from "./tally.js";
import { mayWrite } from "./written.js";

export type Outcome = { type: "plan"; plan: Plan } | { type: "rejected"; fault: Fault };

/** What was found out of a batch before: the rows that it can need, and its thread's tombstone, where the thread is to be made. */
export type Foreseen = { needs: Needs; tombstone?: string };

/**
 * Takes a batch, or says why not: then nothing is written. `strict` recovers no session, and makes no thread.
 *
 * @param foreseen - what need not be asked of the core any more
 */
export async function runIngest(ctx: MutationCtx, args: IngestArgs, strict: boolean, foreseen?: Foreseen): Promise<Outcome> {
  if (!fit([args.sessionId, args.threadId])) return rejected("E_SYNC_BATCH_TOO_LARGE", "an id or a kind holds at most 1 KiB");
  const nowMs = Date.now();
  let loaded = await loadIngest(ctx, args, strict, nowMs);
  const buried = loaded.rows.thread === null ? await whyNotMade(ctx, args, nowMs, foreseen) : null;
  if (buried !== null) return rejected("E_THREAD_DELETED", buried);
  if (loaded.rows.thread === null && isCrowded(loaded.rows.tally)) return rejected(CROWDED.code, CROWDED.message);
  const plan = ({ call }: typeof loaded) => decide(() => planIngest(call));
  let answer: IngestAnswer =
    foreseen === undefined || loaded.rows.thread === null ? plan(loaded) : { type: "needs", needs: foreseen.needs };
  if (answer.type === "needs") {
    const more = await loadNeeds(ctx, args, loaded, answer.needs);
    if (more === null) return rejected("E_SYNC_BATCH_TOO_LARGE", "the batch names more rows than one call may read");
    loaded = more;
    answer = plan(loaded);
  }
  if (answer.type === "rejected") return answer;
  if (answer.type === "needs") throw coded("E_INTERNAL", "the core asked twice");
  if (!mayWrite(args, answer.plan.writes)) return rejected("E_SYNC_BATCH_TOO_LARGE", "the batch writes more than one call may write");
  const { rows } = loaded;
  const target = { scope: scopeOf(args.actor), threadId: args.threadId, nowMs, args, rows };
  await applyWrites(ctx, target, answer.plan.writes);
  await applySession(ctx, args, rows.own, answer.plan.session, nowMs);
  return answer;
}

/** Why the batch's thread may not be made: asked of a function of its own, for what reads tombstones is needed here alone. */
function whyNotMade(ctx: MutationCtx, { actor, threadId }: IngestArgs, nowMs: number, foreseen: Foreseen | undefined): Promise<string | null> {
  return ctx.runQuery(internal.tombstones.whyNotMade, { ...scopeOf(actor), threadId, nowMs, ...given({ hash: foreseen?.tombstone }) });
}

function rejected(errorCode: Fault["errorCode"], message: string): Outcome {
  return { type: "rejected", fault: { code: "UNKNOWN", errorCode, message, recoverable: false } };
}
