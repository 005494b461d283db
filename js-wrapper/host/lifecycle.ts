import { given } from "../given.js";
import type { CodexComponent, CodexDeletionAsked, CodexDeletionJob, CodexForkJob, HostMutationCtx, HostQueryCtx } from "./component.js";
import type { HostActorContext } from "./validators.js";

type InThread = { actor: HostActorContext; threadId: string };
type InTurn = InThread & { turnId: string };
type OfJob = { actor: HostActorContext; deletionJobId: string };
type Forked = { newThreadId: string; turnId?: string | undefined; model?: string | undefined; cwd?: string | undefined };
type OfFork = { actor: HostActorContext; forkJobId: string };
type Why = { reason?: string | undefined };
type When = { delayMs?: number | undefined };

/**
 * Deletes a thread with everything in it. When this returns nobody can read it; its rows go in batches, which
 * {@link getDeletionJobStatusForActor} follows.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `reason` is kept with the job until it ends
 * @returns `{deletionJobId, scheduledFor}`
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_THREAD_DELETED`, `E_QUOTA`
 */
export async function deleteThreadForActor(ctx: HostMutationCtx, component: CodexComponent, args: InThread & Why): Promise<CodexDeletionAsked> {
  const { actor, threadId, reason } = args;
  return await ctx.runMutation(component.threads.deleteCascade, { actor, threadId, ...given({ reason }) });
}

/**
 * Deletes a thread after a grace, in which it is as it was and {@link cancelDeletionForActor} takes the deletion back.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `delayMs` in milliseconds, 10 minutes where it is not given, 30 days at most
 * @returns `{deletionJobId, scheduledFor}`
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_THREAD_DELETED`, `E_QUOTA`
 */
export async function scheduleThreadDeletionForActor(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: InThread & Why & When,
): Promise<CodexDeletionAsked> {
  const { actor, threadId, reason, delayMs } = args;
  return await ctx.runMutation(component.threads.scheduleDeleteCascade, { actor, threadId, ...given({ reason, delayMs }) });
}

/**
 * Deletes a turn with everything in it; what still comes of it has no effect.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `reason` is kept with the job until it ends
 * @returns `{deletionJobId, scheduledFor}`
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_THREAD_DELETED`, `E_QUOTA`
 */
export async function deleteTurnForActor(ctx: HostMutationCtx, component: CodexComponent, args: InTurn & Why): Promise<CodexDeletionAsked> {
  const { actor, threadId, turnId, reason } = args;
  return await ctx.runMutation(component.turns.deleteCascade, { actor, threadId, turnId, ...given({ reason }) });
}

/**
 * Deletes a turn after a grace.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `delayMs` in milliseconds, 10 minutes where it is not given, 30 days at most
 * @returns `{deletionJobId, scheduledFor}`
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_THREAD_DELETED`, `E_QUOTA`
 */
export async function scheduleTurnDeletionForActor(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: InTurn & Why & When,
): Promise<CodexDeletionAsked> {
  const { actor, threadId, turnId, reason, delayMs } = args;
  return await ctx.runMutation(component.turns.scheduleDeleteCascade, { actor, threadId, turnId, ...given({ reason, delayMs }) });
}

/**
 * Deletes every thread that the actor's user has in the tenant, their device tokens, and what their machines told; what is made
 * while it runs stays.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args with `delayMs`, in milliseconds, after a grace
 * @returns `{deletionJobId, scheduledFor}`
 * @throws ConvexError `E_QUOTA`
 */
export async function purgeDataForActor(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: { actor: HostActorContext } & Why & When,
): Promise<CodexDeletionAsked> {
  const { actor, reason, delayMs } = args;
  if (delayMs === undefined) return await ctx.runMutation(component.threads.purgeActorData, { actor, ...given({ reason }) });
  return await ctx.runMutation(component.threads.schedulePurgeActorData, { actor, delayMs, ...given({ reason }) });
}

/**
 * Takes a deletion, or a revert, back: until its first row is gone.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `deletionJobId` as it was answered
 * @returns `{deletionJobId, cancelled: true}`
 * @throws ConvexError `E_JOB_NOT_FOUND`, `E_JOB_TOO_LATE`
 */
export async function cancelDeletionForActor(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: OfJob,
): Promise<{ deletionJobId: string; cancelled: true }> {
  const { actor, deletionJobId } = args;
  return await ctx.runMutation(component.threads.cancelScheduledDeletion, { actor, deletionJobId });
}

/**
 * Begins a deletion that waits for its time.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `deletionJobId` as it was answered
 * @returns `{deletionJobId, scheduledFor}`
 * @throws ConvexError `E_JOB_NOT_FOUND`, `E_JOB_TOO_LATE`
 */
export async function forceDeletionForActor(ctx: HostMutationCtx, component: CodexComponent, args: OfJob): Promise<CodexDeletionAsked> {
  const { actor, deletionJobId } = args;
  return await ctx.runMutation(component.threads.forceRunScheduledDeletion, { actor, deletionJobId });
}

/**
 * How far a deletion is.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args `deletionJobId` as it was answered
 * @returns the job, or null where the actor has none of that id; one that has ended is remembered for 7 days
 */
export async function getDeletionJobStatusForActor(ctx: HostQueryCtx, component: CodexComponent, args: OfJob): Promise<CodexDeletionJob | null> {
  const { actor, deletionJobId } = args;
  return await ctx.runQuery(component.threads.getDeletionJobStatus, { actor, deletionJobId });
}

/**
 * Takes a thread back to a turn: those behind it leave every list at once, and are deleted a day later.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `turnId` is the last turn that stays; with null none does
 * @returns `{deletionJobId?, scheduledFor?}`: the deletion, which can be taken back until then; none where no turn is behind
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_QUOTA`
 */
export async function revertThreadForActor(ctx: HostMutationCtx, component: CodexComponent, args: Omit<InTurn, "turnId"> & { turnId: string | null }): Promise<Partial<CodexDeletionAsked>> {
  const { actor, threadId, turnId } = args;
  return await ctx.runMutation(component.threads.revert, { actor, threadId, turnId });
}

/**
 * Copies a thread's turns and messages into a new one, as Codex forks it: call it with the id of the thread that `thread/fork`
 * answers, before the events of that thread are ingested. The newest turns are there when this returns; older ones come in
 * batches, which {@link getForkStatusForActor} follows.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `turnId` is the last turn that is copied, the newest where it is not given
 * @returns the job; the same fork again is the same job
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_THREAD_DELETED`, `E_THREAD_NOT_EMPTY`, `E_QUOTA`
 */
export async function forkThreadForActor(ctx: HostMutationCtx, component: CodexComponent, args: InThread & Forked): Promise<CodexForkJob> {
  const { actor, threadId, newThreadId, turnId, model, cwd } = args;
  return await ctx.runMutation(component.threads.fork, { actor, threadId, newThreadId, localThreadId: newThreadId, ...given({ turnId, model, cwd }) });
}

/**
 * How far a fork is.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args `forkJobId` as it was answered
 * @returns the job, or null where the actor has none of that id; one that has ended is remembered for 7 days
 */
export async function getForkStatusForActor(ctx: HostQueryCtx, component: CodexComponent, args: OfFork): Promise<CodexForkJob | null> {
  const { actor, forkJobId } = args;
  return await ctx.runQuery(component.threads.getForkStatus, { actor, forkJobId });
}

/**
 * Archives a thread: it takes no new turn until it is resumed.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args the thread
 * @returns `{threadId, status: "archived"}`
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`
 */
export async function archiveThreadForActor(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: InThread,
): Promise<{ threadId: string; status: "archived" }> {
  const { actor, threadId } = args;
  return await ctx.runMutation(component.threads.archive, { actor, threadId });
}

/**
 * Takes a thread back out of the archive.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args the thread
 * @returns `{threadId, status: "active"}`
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`
 */
export async function unarchiveThreadForActor(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: InThread,
): Promise<{ threadId: string; status: "active" }> {
  const { actor, threadId } = args;
  return await ctx.runMutation(component.threads.unarchive, { actor, threadId });
}

/**
 * Names a thread; an empty name is none.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `name` is cut at 4 KiB
 * @returns null
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`
 */
export async function renameThreadForActor(ctx: HostMutationCtx, component: CodexComponent, args: InThread & { name: string }): Promise<null> {
  const { actor, threadId, name } = args;
  return await ctx.runMutation(component.threads.rename, { actor, threadId, name });
}
