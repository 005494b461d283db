import type { CodexComponent, CodexUsage, HostQueryCtx } from "./component.js";
import { orMissing, THREAD_IS_MISSING } from "./errors.js";
import type { HostActorContext } from "./validators.js";

/**
 * Says what a user has: threads, open commands, what waits for a decision or an answer, each counted to 100; and of the thread
 * that is named its turns, tokens and malformed events.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args `threadId` adds that thread's numbers
 * @returns the counts; `thread` is null where none was named. Where the one that was is not there (yet), it is null too, with
 *   `threadStatus: "missing"`
 */
export async function getUsageForActor(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; threadId?: string | undefined },
): Promise<CodexUsage & { threadStatus?: "missing" }> {
  const { actor, threadId } = args;
  const ofUser = () => ctx.runQuery(component.stats.usage, { actor });
  if (threadId === undefined) return await ofUser();
  const found = await orMissing<CodexUsage | null>(ctx.runQuery(component.stats.usage, { actor, threadId }), THREAD_IS_MISSING, () => null);
  return found ?? { ...(await ofUser()), threadStatus: "missing" };
}
