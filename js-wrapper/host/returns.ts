/** What the functions of `defineCodexHost` answer: the component's answers, and what stands for a thread that is not there. */
import { v, type GenericValidator, type Infer, type Validator, type VObject } from "convex/values";
import {
  vApproval,
  vBeaten,
  vCommand,
  vCommandSent,
  vDecidedRequest,
  vDeletionAsked,
  vDeletionCancelled,
  vDeletionJob,
  vDeviceToken,
  vDropped,
  vForkJob,
  vImportStatus,
  vIssuedToken,
  vLeasedCommand,
  vMapping,
  vListedTurn,
  vMessage,
  vPageOf,
  vPiece,
  vPresenceView,
  vQuarantined,
  vReasoningSegment,
  vReplay,
  vResumed,
  vReverted,
  vRevoked,
  vRuntime,
  vServerRequest,
  vThread,
  vThreadArchived,
  vThreadMade,
  vThreadResolved,
  vThreadResumed,
  vThreadRow,
  vThreadState,
  vThreadStatus,
  vTurn,
  vTurnStarted,
  vUsage,
  vUsagePage,
} from "#component/validators.js";
import {
  vHostDataHygiene,
  vHostDurableHistoryStats,
  vHostEnsureSessionResult,
  vHostIngestSafeResult,
  vHostPersistenceStats,
} from "./validators.js";

const vMissing = v.literal("missing");
/** Said of a thread that is not there. */
const vOfThread = { threadStatus: v.optional(vMissing) };

/** What is live, as far as a reader asked. */
const vStreams = v.union(
  vReplay.pick("streams").extend({ kind: v.literal("list") }),
  vReplay.omit("snapshots").extend({ kind: v.literal("deltas") }),
);

const nullable = <Answer extends GenericValidator>(answer: Answer) => v.union(v.null(), answer);
const pageInThread = <Row extends GenericValidator>(row: Row) => vPageOf(row).extend(vOfThread);
const pageForHooks = <Row extends GenericValidator>(row: Row) => {
  const page = pageInThread(row).extend({ streams: v.optional(vStreams) });
  // As the helpers answer it: the field is always there, and undefined where it was not asked for.
  type Page = Omit<Infer<typeof page>, "streams"> & { streams: Infer<typeof vStreams> | undefined };
  return page as unknown as VObject<Page, (typeof page)["fields"]>;
};

/** Validators by what they say, without the fields that they are made of: declared twice, those were most of what an app's compiler reads. */
const answers = <Answers extends Record<string, GenericValidator>>(each: Answers) =>
  each as unknown as { [Name in keyof Answers]: Validator<Infer<Answers[Name]>, "required", string> };

const vDone = v.null();
const vServerRequests = v.array(vServerRequest);

/**
 * What each function of `defineCodexHost` answers, by its name: for an app that writes one itself, as its `returns`.
 *
 * ```ts
 * export const listThreadMessagesForHooks = query({
 *   args: { threadId: v.string(), paginationOpts: paginationOptsValidator, streamArgs: vHostStreamArgs },
 *   returns: vHostReturns.listThreadMessagesForHooks,
 *   handler: async (ctx, args) =>
 *     listThreadMessagesForHooksForActor(ctx, components.codexLocal, { ...args, actor: await resolveActorFromAuth(ctx) }),
 * });
 * ```
 */
export const vHostReturns = answers({
  // ---- what hooks read
  listThreadMessagesForHooks: pageForHooks(vMessage),
  listThreadReasoningForHooks: pageForHooks(vReasoningSegment),
  listTurnMessagesForHooks: v.array(vMessage),
  resumeStreamReplay: nullable(vResumed),
  listThreadsForHooks: pageInThread(vThreadRow),
  threadSnapshot: vThreadState.omit("threadStatus").extend({ threadStatus: v.union(vThreadStatus, vMissing) }),
  getThread: nullable(vThread),
  getTurn: nullable(vTurn),
  listTurns: nullable(v.array(vListedTurn)),
  getMessageText: nullable(vPiece),
  getMessagePayload: nullable(vPiece),
  getImportStatus: nullable(vImportStatus),
  getForkStatus: nullable(vForkJob),
  getExternalMapping: vMapping,
  resolveByExternalId: vMapping,
  getUsage: vUsage.extend(vOfThread),
  listTokenUsage: vUsagePage,
  listQuarantine: pageInThread(vQuarantined),
  persistenceStats: vHostPersistenceStats,
  durableHistoryStats: vHostDurableHistoryStats,
  dataHygiene: vHostDataHygiene,
  listPendingApprovalsForHooks: pageInThread(vApproval),
  listPendingServerRequestsForHooks: vServerRequests,
  listDecidedRequestsForHooks: pageInThread(vDecidedRequest),
  getCommand: nullable(vCommand),
  listCommands: pageInThread(vCommand),
  listPresence: v.array(vRuntime),
  getPresence: vPresenceView,

  // ---- what people do
  createThread: vThreadMade,
  registerTurnStart: vTurnStarted,
  interruptTurnForHooks: vDone,
  respondApprovalForHooks: vDone,
  sendCommand: vCommandSent,
  cancelCommand: vDone,
  editCommand: vDone,
  promoteCommand: vDone,
  archiveThread: vThreadArchived,
  unarchiveThread: vThreadResumed,
  renameThread: vDone,
  dropQuarantine: vDropped,
  revertThread: vReverted,
  deleteThread: vDeletionAsked,
  scheduleThreadDeletion: vDeletionAsked,
  deleteTurn: vDeletionAsked,
  scheduleTurnDeletion: vDeletionAsked,
  purgeData: vDeletionAsked,
  cancelDeletion: vDeletionCancelled,
  forceDeletion: vDeletionAsked,
  getDeletionJobStatus: nullable(vDeletionJob),
  issueDeviceToken: vIssuedToken,
  revokeDeviceToken: vRevoked,
  listDeviceTokens: v.array(vDeviceToken),

  // ---- what bridges do
  ensureThread: vThreadMade,
  resolveThread: vThreadResolved,
  ensureSession: vHostEnsureSessionResult,
  heartbeat: vDone,
  ingestBatch: vHostIngestSafeResult,
  upsertPendingServerRequestForHooks: vDone,
  resolvePendingServerRequestForHooks: vDone,
  listPendingServerRequestsForBridge: vServerRequests,
  forkThread: vForkJob,
  revertThreadForBridge: vReverted,
  importHistory: vImportStatus,
  getImportStatusForBridge: nullable(vImportStatus),
  listOpenCommandsForBridge: v.array(vCommand.pick("commandId", "kind", "state", "rank", "updatedAt")),
  leaseCommands: v.array(vLeasedCommand),
  reportCommand: vDone,
  beatPresence: vBeaten,
});
