/** The functions that people call: hooks, buttons, lists. None takes an actor, and none can do what a bridge does. */
import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { vCommandKind, vRequestId } from "#component/validators.js";
import type { CodexHostOptions, HostBuilders } from "./builders.js";
import type { CodexListedTurn } from "./component.js";
import { cancelCommand, editCommand, getCommand, getPresence, listCommands, listPresence, promoteCommand, sendCommand } from "./commands.js";
import { orMissing, THREAD_IS_MISSING, TURN_IS_MISSING } from "./errors.js";
import { getImportStatusForActor } from "./history.js";
import {
  archiveThreadForActor,
  cancelDeletionForActor,
  deleteThreadForActor,
  deleteTurnForActor,
  forceDeletionForActor,
  getDeletionJobStatusForActor,
  getForkStatusForActor,
  purgeDataForActor,
  renameThreadForActor,
  revertThreadForActor,
  scheduleThreadDeletionForActor,
  scheduleTurnDeletionForActor,
  unarchiveThreadForActor,
} from "./lifecycle.js";
import { listThreadMessagesForHooksForActor, listTurnMessagesForHooksForActor } from "./messages.js";
import { dropQuarantineForActor, listQuarantineForActor } from "./quarantine.js";
import { getPayloadWithoutRaw, messagesWithoutRaw, quarantinedWithoutRaw, streamsWithoutRaw, withoutRaw } from "./raw-reasoning.js";
import { listThreadReasoningForHooksForActor } from "./reasoning.js";
import {
  listDecidedRequestsForHooksForActor,
  listPendingApprovalsForHooksForActor,
  listPendingServerRequestsForHooksForActor,
  respondApprovalForHooksForActor,
} from "./requests.js";
import { dataHygiene, durableHistoryStats, persistenceStats, threadSnapshot } from "./snapshot.js";
import { ensureThreadByCreate, interruptTurnForHooksForActor, listThreadsForHooksForActor, registerTurnStart } from "./threads.js";
import { getUsageForActor } from "./usage.js";
import { vHostReturns as returns } from "./returns.js";
import { vHostStreamArgs, vHostSyncRuntimeOptions, vModelFields, type HostSyncRuntimeOptions } from "./validators.js";
import { getMessagePayloadForActor, getMessageTextForActor } from "./whole.js";

/** Deltas of one stream that a reader gets where the server says nothing. SOURCE: `src/limits.rs`, STREAM_READ_DEFAULT. */
const STREAM_READ_DEFAULT = 100;
/** And in one answer. SOURCE: `src/limits.rs`, REQUEST_READ_DEFAULT. */
const REQUEST_READ_DEFAULT = 1_000;
const READ_DEFAULT = { maxDeltasPerStreamRead: STREAM_READ_DEFAULT, maxDeltasPerRequestRead: REQUEST_READ_DEFAULT };

/** What a thread that is not there has used. */
const NO_USAGE = { page: [], isDone: true, continueCursor: "", thread: null };

const vThread = { threadId: v.string() };
const vTurn = { ...vThread, turnId: v.string() };
const vPiece = { ...vTurn, messageId: v.string(), cursor: v.optional(v.union(v.string(), v.null())) };
const vPage = { paginationOpts: paginationOptsValidator };
const vOfThread = { threadId: v.optional(v.string()) };
const vReason = { reason: v.optional(v.string()) };
const vDelay = { delayMs: v.optional(v.number()) };
const vJob = { deletionJobId: v.string() };
const vOfCommand = { commandId: v.string() };
const vRuntime = { runtime: v.optional(vHostSyncRuntimeOptions) };
const vDecision = v.union(v.literal("accepted"), v.literal("declined"), v.object({ json: v.string() }));

/** The functions of readers, by the builders for them. */
export function readerFunctions(
  { query, mutation }: HostBuilders,
  { read, includeRaw: consented }: Pick<CodexHostOptions, "read" | "includeRaw">,
) {
  const consent = consented === true;
  /** An answer, as `hide` leaves it where the server does not consent to raw reasoning. */
  const shown = async <Answer>(answer: Promise<Answer>, hide: (answer: Answer) => Answer) => (consent ? await answer : hide(await answer));
  return {
    // ---- what hooks read
    /** {@link listThreadMessagesForHooksForActor}; `runtime` can only lower the read limits. */
    listThreadMessagesForHooks: query(
      { ...vThread, ...vPage, streamArgs: vHostStreamArgs, ...vRuntime },
      returns.listThreadMessagesForHooks,
      (ctx, component, args) =>
        shown(listThreadMessagesForHooksForActor(ctx, component, { ...args, runtime: lowered(read, args.runtime) }), (page) =>
          streamsWithoutRaw({ ...page, page: messagesWithoutRaw(page.page) }),
        ),
    ),
    /** {@link listThreadReasoningForHooksForActor}; raw reasoning only where the server consents too. */
    listThreadReasoningForHooks: query(
      { ...vThread, ...vPage, streamArgs: vHostStreamArgs, ...vRuntime, includeRaw: v.optional(v.boolean()) },
      returns.listThreadReasoningForHooks,
      (ctx, component, args) => {
        const includeRaw = consent && args.includeRaw === true;
        return shown(listThreadReasoningForHooksForActor(ctx, component, { ...args, includeRaw, runtime: lowered(read, args.runtime) }), streamsWithoutRaw);
      },
    ),
    /** {@link listTurnMessagesForHooksForActor} */
    listTurnMessagesForHooks: query(vTurn, returns.listTurnMessagesForHooks, (ctx, component, args) =>
      shown(listTurnMessagesForHooksForActor(ctx, component, args), messagesWithoutRaw),
    ),
    /** What is live of one turn, from a cursor on; null where there is no such thread. `runtime` can only lower the read limits. */
    resumeStreamReplay: query({ ...vTurn, fromCursor: v.number(), ...vRuntime }, returns.resumeStreamReplay, (ctx, component, { runtime, ...args }) =>
      orMissing(shown(ctx.runQuery(component.readers.resumeReplay, { ...args, runtime: lowered(read, runtime) }), withoutRaw), THREAD_IS_MISSING, () => null),
    ),
    /** {@link listThreadsForHooksForActor} */
    listThreadsForHooks: query(
      { parentThreadId: v.optional(v.union(v.string(), v.null())), summary: v.optional(v.boolean()), ...vPage },
      returns.listThreadsForHooks,
      listThreadsForHooksForActor,
    ),
    /** {@link threadSnapshot} */
    threadSnapshot: query(vThread, returns.threadSnapshot, threadSnapshot),
    /** A thread with its name, tokens, goal, settings and warning; null where there is no such thread. */
    getThread: query(vThread, returns.getThread, (ctx, component, args) =>
      orMissing(ctx.runQuery(component.threads.get, args), THREAD_IS_MISSING, () => null),
    ),
    /** A thread's newest turns, newest first, 50 at most; null where there is no such thread. It does not run again with what is said in them. */
    listTurns: query(vThread, returns.listTurns, (ctx, component, args) =>
      orMissing<CodexListedTurn[] | null>(ctx.runQuery(component.turns.list, args), THREAD_IS_MISSING, () => null),
    ),
    /** A turn with its tokens, diff and plan; null where there is no such turn. */
    getTurn: query(vTurn, returns.getTurn, (ctx, component, args) =>
      orMissing(ctx.runQuery(component.turns.get, args), TURN_IS_MISSING, () => null),
    ),
    /** {@link getMessageTextForActor} */
    getMessageText: query(vPiece, returns.getMessageText, getMessageTextForActor),
    /** {@link getMessagePayloadForActor} */
    getMessagePayload: query(vPiece, returns.getMessagePayload, consent ? getMessagePayloadForActor : getPayloadWithoutRaw),
    /** {@link getImportStatusForActor}; null where there is no such thread. */
    getImportStatus: query(vThread, returns.getImportStatus, (ctx, component, args) =>
      orMissing(getImportStatusForActor(ctx, component, args), THREAD_IS_MISSING, () => null),
    ),
    /** {@link getForkStatusForActor} */
    getForkStatus: query({ forkJobId: v.string() }, returns.getForkStatus, getForkStatusForActor),
    /** The app's own name for a thread; null where it has none, or there is no such thread. */
    getExternalMapping: query(vThread, returns.getExternalMapping, (ctx, component, args) =>
      orMissing(ctx.runQuery(component.threads.getExternalMapping, args), THREAD_IS_MISSING, () => null),
    ),
    /** The thread of the app's own name; null where there is none. */
    resolveByExternalId: query({ externalThreadId: v.string() }, returns.resolveByExternalId, (ctx, component, args) =>
      ctx.runQuery(component.threads.resolveByExternalId, args),
    ),
    /** {@link getUsageForActor} */
    getUsage: query(vOfThread, returns.getUsage, getUsageForActor),
    /** What a thread's turns have used, newest first; an empty page where there is no such thread. */
    listTokenUsage: query({ ...vThread, ...vPage }, returns.listTokenUsage, (ctx, component, args) =>
      orMissing(ctx.runQuery(component.tokenUsage.listByThread, args), THREAD_IS_MISSING, () => NO_USAGE),
    ),
    /** {@link listQuarantineForActor} */
    listQuarantine: query({ ...vThread, ...vPage }, returns.listQuarantine, (ctx, component, args) =>
      shown(listQuarantineForActor(ctx, component, args), (page) => ({ ...page, page: quarantinedWithoutRaw(page.page) })),
    ),
    /** {@link persistenceStats} */
    persistenceStats: query(vThread, returns.persistenceStats, persistenceStats),
    /** {@link durableHistoryStats} */
    durableHistoryStats: query(vThread, returns.durableHistoryStats, durableHistoryStats),
    /** {@link dataHygiene} */
    dataHygiene: query(vThread, returns.dataHygiene, dataHygiene),
    /** {@link listPendingApprovalsForHooksForActor} */
    listPendingApprovalsForHooks: query({ ...vOfThread, ...vPage }, returns.listPendingApprovalsForHooks, listPendingApprovalsForHooksForActor),
    /** {@link listPendingServerRequestsForHooksForActor} */
    listPendingServerRequestsForHooks: query(
      { ...vOfThread, limit: v.optional(v.number()) },
      returns.listPendingServerRequestsForHooks,
      listPendingServerRequestsForHooksForActor,
    ),
    /** {@link listDecidedRequestsForHooksForActor} */
    listDecidedRequestsForHooks: query({ ...vThread, ...vPage }, returns.listDecidedRequestsForHooks, listDecidedRequestsForHooksForActor),
    /** {@link getCommand} */
    getCommand: query(vOfCommand, returns.getCommand, getCommand),
    /** {@link listCommands} */
    listCommands: query({ ...vThread, open: v.optional(v.literal(true)), ...vPage }, returns.listCommands, listCommands),
    /** {@link listPresence} */
    listPresence: query({}, returns.listPresence, listPresence),
    /** {@link getPresence} */
    getPresence: query({ ...vOfThread, runtimeId: v.optional(v.string()) }, returns.getPresence, getPresence),

    // ---- what people do
    /** {@link ensureThreadByCreate} */
    createThread: mutation({ ...vThread, ...vModelFields }, returns.createThread, ensureThreadByCreate),
    /** {@link registerTurnStart} */
    registerTurnStart: mutation(
      { ...vTurn, inputText: v.string(), idempotencyKey: v.string(), ...vModelFields },
      returns.registerTurnStart,
      registerTurnStart,
    ),
    /** {@link interruptTurnForHooksForActor} */
    interruptTurnForHooks: mutation({ ...vTurn, ...vReason }, returns.interruptTurnForHooks, interruptTurnForHooksForActor),
    /** {@link respondApprovalForHooksForActor}; whoever does not decline says what was shown. */
    respondApprovalForHooks: mutation(
      {
        ...vTurn,
        itemId: v.string(),
        decision: vDecision,
        requestId: v.optional(vRequestId),
        shownSha256: v.optional(v.string()),
      },
      returns.respondApprovalForHooks,
      (ctx, component, args) => respondApprovalForHooksForActor(ctx, component, { ...args, mustShow: true }),
    ),
    /** {@link sendCommand} */
    sendCommand: mutation(
      { ...vThread, ...vOfCommand, kind: vCommandKind, payloadJson: v.string(), ttlMs: v.optional(v.number()) },
      returns.sendCommand,
      sendCommand,
    ),
    /** {@link cancelCommand} */
    cancelCommand: mutation(vOfCommand, returns.cancelCommand, cancelCommand),
    /** {@link editCommand} */
    editCommand: mutation({ ...vOfCommand, payloadJson: v.string() }, returns.editCommand, editCommand),
    /** {@link promoteCommand} */
    promoteCommand: mutation({ ...vOfCommand, expectedTurnId: v.optional(v.string()) }, returns.promoteCommand, promoteCommand),
    /** {@link archiveThreadForActor} */
    archiveThread: mutation(vThread, returns.archiveThread, archiveThreadForActor),
    /** {@link unarchiveThreadForActor} */
    unarchiveThread: mutation(vThread, returns.unarchiveThread, unarchiveThreadForActor),
    /** {@link renameThreadForActor} */
    renameThread: mutation({ ...vThread, name: v.string() }, returns.renameThread, renameThreadForActor),
    /** {@link dropQuarantineForActor} */
    dropQuarantine: mutation({ ...vThread, eventId: v.optional(v.string()) }, returns.dropQuarantine, dropQuarantineForActor),
    /** {@link revertThreadForActor} */
    revertThread: mutation(vTurn, returns.revertThread, revertThreadForActor),

    // ---- deletion
    /** {@link deleteThreadForActor} */
    deleteThread: mutation({ ...vThread, ...vReason }, returns.deleteThread, deleteThreadForActor),
    /** {@link scheduleThreadDeletionForActor} */
    scheduleThreadDeletion: mutation({ ...vThread, ...vReason, ...vDelay }, returns.scheduleThreadDeletion, scheduleThreadDeletionForActor),
    /** {@link deleteTurnForActor} */
    deleteTurn: mutation({ ...vTurn, ...vReason }, returns.deleteTurn, deleteTurnForActor),
    /** {@link scheduleTurnDeletionForActor} */
    scheduleTurnDeletion: mutation({ ...vTurn, ...vReason, ...vDelay }, returns.scheduleTurnDeletion, scheduleTurnDeletionForActor),
    /** {@link purgeDataForActor} */
    purgeData: mutation({ ...vReason, ...vDelay }, returns.purgeData, purgeDataForActor),
    /** {@link cancelDeletionForActor} */
    cancelDeletion: mutation(vJob, returns.cancelDeletion, cancelDeletionForActor),
    /** {@link forceDeletionForActor} */
    forceDeletion: mutation(vJob, returns.forceDeletion, forceDeletionForActor),
    /** {@link getDeletionJobStatusForActor} */
    getDeletionJobStatus: query(vJob, returns.getDeletionJobStatus, getDeletionJobStatusForActor),

    // ---- the machines of the user
    /** Issues a token for a bridge: told once. `entropy` is of `createDeviceEntropy`. Throws `E_DEVICE_INVALID`, `E_QUOTA`. */
    issueDeviceToken: mutation(
      { deviceId: v.string(), label: v.optional(v.string()), ttlMs: v.optional(v.number()), entropy: v.string() },
      returns.issueDeviceToken,
      (ctx, component, args) => ctx.runMutation(component.devices.issueToken, args),
    ),
    /** Takes a token back. */
    revokeDeviceToken: mutation({ tokenId: v.string() }, returns.revokeDeviceToken, (ctx, component, args) =>
      ctx.runMutation(component.devices.revokeToken, args),
    ),
    /** The user's tokens, without the tokens. */
    listDeviceTokens: query({}, returns.listDeviceTokens, (ctx, component, args) => ctx.runQuery(component.devices.list, args)),
  };
}

/** The two read limits, each at most the server's; nothing else of what a reader says counts. */
function lowered(server: CodexHostOptions["read"], reader: HostSyncRuntimeOptions | undefined): HostSyncRuntimeOptions {
  const lower = (name: keyof typeof READ_DEFAULT) => {
    // The component takes what is not finite as its default, which may be more.
    const [most = READ_DEFAULT[name], wished = most] = [server?.[name], reader?.[name]].map((said) => (Number.isFinite(said) ? said : undefined));
    return Math.min(wished, most);
  };
  return { maxDeltasPerStreamRead: lower("maxDeltasPerStreamRead"), maxDeltasPerRequestRead: lower("maxDeltasPerRequestRead") };
}
