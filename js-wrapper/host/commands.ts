import type { PaginationOptions, PaginationResult } from "convex/server";
import type {
  CodexBeatThread,
  CodexCommand,
  CodexCommandKind,
  CodexCommandState,
  CodexComponent,
  CodexLeasedCommand,
  CodexMachine,
  CodexOpenCommand,
  CodexPresence,
  HostMutationCtx,
  HostQueryCtx,
} from "./component.js";
import { given } from "../given.js";
import { orMissing, pageOrMissing } from "./errors.js";
import type { HostActorContext } from "./validators.js";

/**
 * Sends a command to the machine, once: the same id with the same content again changes nothing.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `commandId` is the client's; `payloadJson` (64 KiB) is `{input, clientTurnId?, waitForMachine?, …}` of a turn,
 *   `{expectedTurnId, input}` of a steer, `{turnId}` of an interrupt, `{requestId, decision, shownSha256}` of a decision,
 *   `{requestId, answer}` of an answer; `ttlMs`, in milliseconds, only shortens the time that it has
 * @returns the id, and where the command stands
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_THREAD_ARCHIVED`, `E_COMMAND_ID_REUSED`,
 *   `E_COMMAND_INVALID`, `E_COMMAND_TOO_LARGE`, `E_COMMAND_TARGET_GONE`, `E_COMMAND_NOT_ALLOWED`, `E_QUOTA`; of a decision those of
 *   `approvals.respond`: one that does not decline is `E_APPROVAL_CHANGED` without `shownSha256`
 */
export async function sendCommand(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: {
    actor: HostActorContext;
    threadId: string;
    commandId: string;
    kind: CodexCommandKind;
    payloadJson: string;
    ttlMs?: number | undefined;
  },
): Promise<{ commandId: string; state: CodexCommandState }> {
  const { actor, threadId, commandId, kind, payloadJson, ttlMs } = args;
  return await ctx.runMutation(component.commands.send, { actor, threadId, commandId, kind, payloadJson, ...given({ ttlMs }) });
}

/**
 * Takes a command back that is still queued; the same again changes nothing.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `commandId` as it was sent
 * @returns null
 * @throws ConvexError `E_COMMAND_NOT_FOUND`, `E_COMMAND_TOO_LATE`
 */
export async function cancelCommand(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; commandId: string },
): Promise<null> {
  const { actor, commandId } = args;
  return await ctx.runMutation(component.commands.cancel, { actor, commandId });
}

/**
 * Replaces what a message says that is still queued: its words and settings, not the turn that it names.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `payloadJson` as {@link sendCommand} takes it
 * @returns null
 * @throws ConvexError `E_COMMAND_NOT_FOUND`, `E_COMMAND_TOO_LATE`, `E_COMMAND_INVALID`, `E_COMMAND_TOO_LARGE`
 */
export async function editCommand(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; commandId: string; payloadJson: string },
): Promise<null> {
  const { actor, commandId, payloadJson } = args;
  return await ctx.runMutation(component.commands.edit, { actor, commandId, payloadJson });
}

/**
 * Puts a command that is still queued before all others of its thread.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args with `expectedTurnId`, the turn that runs, a queued turn becomes a steer of it
 * @returns null
 * @throws ConvexError `E_COMMAND_NOT_FOUND`, `E_COMMAND_TOO_LATE`, `E_COMMAND_INVALID`, `E_COMMAND_TARGET_GONE`
 */
export async function promoteCommand(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; commandId: string; expectedTurnId?: string | undefined },
): Promise<null> {
  const { actor, commandId, expectedTurnId } = args;
  return await ctx.runMutation(component.commands.promote, { actor, commandId, ...given({ expectedTurnId }) });
}

/**
 * A command with where it stands.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args `commandId` as it was sent
 * @returns the command; null where it is not there (yet)
 */
export async function getCommand(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; commandId: string },
): Promise<CodexCommand | null> {
  const { actor, commandId } = args;
  const command = ctx.runQuery(component.commands.get, { actor, commandId });
  return await orMissing<CodexCommand | null>(command, ["E_COMMAND_NOT_FOUND"], () => null);
}

/**
 * Lists a thread's commands, newest first.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args with `open` those alone that are queued or with their runtime
 * @returns a page, which may end before `numItems`: payloads are whole. A thread that is not there (yet) is an empty page with
 *   `threadStatus: "missing"`
 * @throws ConvexError `E_CURSOR_INVALID`
 */
export async function listCommands(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; threadId: string; open?: true | undefined; paginationOpts: PaginationOptions },
): Promise<PaginationResult<CodexCommand> & { threadStatus?: "missing" }> {
  const { actor, threadId, open, paginationOpts } = args;
  const page = ctx.runQuery(component.commands.list, { actor, threadId, ...given({ open }), paginationOpts });
  return await pageOrMissing(page);
}

/** The newest commands that a bridge is told of: whatever is sent or changes is among them. */
const OPEN_COMMANDS_TOLD = 20;

/**
 * Lists a thread's newest commands that are not at their end, without what they say: what a bridge watches, so that it knows when
 * there is something to lease. What is handed out, and in which order, {@link leaseCommands} alone decides.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args the thread
 * @returns 20 at most, newest first; none of a thread that is not there (yet)
 */
export async function listOpenCommands(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; threadId: string },
): Promise<CodexOpenCommand[]> {
  const { actor, threadId } = args;
  const paginationOpts = { cursor: null, numItems: OPEN_COMMANDS_TOLD };
  const { page } = await listCommands(ctx, component, { actor, threadId, open: true, paginationOpts });
  return page.map(({ commandId, kind, state, rank, updatedAt }) => ({ commandId, kind, state, rank, updatedAt }));
}

/**
 * Gets the commands that the runtime is to do next in a thread that it writes, in their order: the bridge's call, never a
 * reader's. Each is its for 60 s, and longer with each beat.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `runtimeId` and `generation` as in `ensureSession`; `limit` of 1 to 100
 * @returns the commands, each with the token that its reports need
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_SYNC_SESSION_DEVICE_MISMATCH` where another runtime writes the thread
 */
export async function leaseCommands(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; runtimeId: string; generation: number; threadId: string; limit: number },
): Promise<CodexLeasedCommand[]> {
  const { actor, runtimeId, generation, threadId, limit } = args;
  return await ctx.runMutation(component.commands.lease, { actor, runtimeId, generation, threadId, limit });
}

/**
 * Says what became of a command at the machine: the bridge's call, never a reader's. `delivered` comes before it is given to
 * Codex; the same again is no error.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `turnId`, Codex's, of an accepted turn; `code` of a refused command
 * @returns null
 * @throws ConvexError `E_COMMAND_NOT_FOUND`, `E_COMMAND_INVALID`, `E_COMMAND_LEASE_LOST`, `E_COMMAND_EXPIRED` (it must not be given
 *   to Codex), `E_SYNC_SESSION_DEVICE_MISMATCH`
 */
export async function reportCommand(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: {
    actor: HostActorContext;
    commandId: string;
    leaseToken: string;
    state: "delivered" | "accepted" | "refused" | "expired" | "unknown";
    turnId?: string | undefined;
    code?: string | undefined;
  },
): Promise<null> {
  const { actor, commandId, leaseToken, state, turnId, code } = args;
  return await ctx.runMutation(component.commands.report, { actor, commandId, leaseToken, state, ...given({ turnId, code }) });
}

/**
 * Tells what a runtime does, every 15 s: the bridge's call, never a reader's. It renews the leases of its commands; without one
 * for 60 s its machine is away.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `threads`: the 64 busiest; `outboxEvents` are those that are yet to arrive, `oldestEventAt`, in milliseconds, is
 *   the time of the first of them; no lease of a thread with `letsLapse` is renewed
 * @returns the server's clock in milliseconds, and how many commands wait to be leased
 * @throws ConvexError `E_COMMAND_INVALID`, `E_SYNC_SESSION_DEVICE_MISMATCH` where another device beats for this runtime
 */
export async function beatPresence(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: {
    actor: HostActorContext;
    runtimeId: string;
    generation: number;
    phase: CodexMachine["phase"];
    login?: CodexMachine["login"] | undefined;
    threads: CodexBeatThread[];
  },
): Promise<{ now: number; commandsWaiting: number }> {
  const { actor, runtimeId, generation, phase, login, threads } = args;
  return await ctx.runMutation(component.presence.beat, { actor, runtimeId, generation, phase, ...given({ login }), threads });
}

/**
 * Lists the actor's runtimes, the one that beat last first.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args the actor
 * @returns at most 50 of them
 */
export async function listPresence(ctx: HostQueryCtx, component: CodexComponent, args: { actor: HostActorContext }): Promise<CodexMachine[]> {
  return await ctx.runQuery(component.presence.list, { actor: args.actor });
}

/**
 * How it stands with a machine, the bridge on it, Codex and its login, and a thread: five words, for one would hide the rest.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args without `runtimeId` the runtime that has the thread, else one that beats, else the last that did
 * @returns the states, and which runtime they are of
 */
export async function getPresence(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; runtimeId?: string | undefined; threadId?: string | undefined },
): Promise<CodexPresence> {
  const { actor, runtimeId, threadId } = args;
  return await ctx.runQuery(component.presence.get, { actor, ...given({ runtimeId, threadId }) });
}
