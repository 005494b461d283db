/** Builders of what a client asks and tells the app-server: messages as they are on the wire, without a `jsonrpc` field. */
import type { InitializeCapabilities } from "../protocol/generated/types.js";
import type { ClientNotification, ClientRequest, ClientRequestMethod, ClientRequestParams } from "../protocol/typed.js";
import type { RpcId } from "../protocol/index.js";
import { assertThreadId } from "./thread-id.js";

/** Who the client says it is, in initialize. */
export interface AppServerClientInfo {
  readonly name: string;
  readonly title?: string | null | undefined;
  readonly version: string;
}

/** What the client can do. What is not named is not asked for. */
export type AppServerCapabilities = Partial<InitializeCapabilities> & Pick<InitializeCapabilities, "experimentalApi">;

/** What `thread/rollback` took: the pinned app-server has it no longer. */
export interface ThreadRollbackParams {
  readonly threadId: string;
  /** How many of the last turns are dropped, 1 or more. */
  readonly numTurns: number;
}

/** `params`, which may be left out where the method's may be undefined. */
export type ParamsArgument<M extends ClientRequestMethod> =
  undefined extends ClientRequestParams<M> ? [params?: ClientRequestParams<M>] : [params: ClientRequestParams<M>];

/**
 * A request, of any method of the pinned app-server. It checks nothing: what does not fit is refused by the app-server.
 *
 * @param method its name; docs/APP_SERVER.md has all of them
 * @param id what the answer is known by; unique among the requests that wait on this connection
 * @param params what the method takes; left out where it takes nothing
 * @example
 * ```ts
 * bridge.send(buildClientRequest("model/list", 7, {}));
 * ```
 */
export function buildClientRequest<M extends ClientRequestMethod>(method: M, id: RpcId, ...[params]: ParamsArgument<M>): ClientRequest<M> {
  return { method, id, params };
}

/** The first request of a connection, without capabilities: the experimental methods and fields stay closed. */
export function buildInitializeRequest(id: RpcId, clientInfo: AppServerClientInfo): ClientRequest<"initialize"> {
  return buildClientRequest("initialize", id, { clientInfo: whole(clientInfo), capabilities: null });
}

/**
 * The first request of a connection.
 *
 * @param capabilities `experimentalApi: true` opens the experimental methods and fields
 */
export function buildInitializeRequestWithCapabilities(
  id: RpcId,
  clientInfo: AppServerClientInfo,
  capabilities: AppServerCapabilities,
): ClientRequest<"initialize"> {
  // SOURCE: app-server 0.169.0 takes each capability that is not named for one that is not there.
  return buildClientRequest("initialize", id, { clientInfo: whole(clientInfo), capabilities: capabilities as InitializeCapabilities });
}

/** What follows the answer to initialize: from then on the connection is open. */
export function buildInitializedNotification(): ClientNotification {
  return { method: "initialized" };
}

/** Starts a thread. Raw model output is not asked for, unless `params` does. */
export function buildThreadStartRequest(id: RpcId, params: ClientRequestParams<"thread/start"> = {}): ClientRequest<"thread/start"> {
  return buildClientRequest("thread/start", id, { experimentalRawEvents: false, ...params });
}

/**
 * Loads a thread, to go on with it.
 *
 * @throws CodexProtocolSendError where `threadId` is not UUID-like
 */
export function buildThreadResumeRequest(id: RpcId, params: ClientRequestParams<"thread/resume">): ClientRequest<"thread/resume"> {
  return buildClientRequest("thread/resume", id, ofThread(params));
}

/**
 * Copies a thread, as far as a turn of it, to a new one.
 *
 * @throws CodexProtocolSendError where `threadId` is not UUID-like
 */
export function buildThreadForkRequest(id: RpcId, params: ClientRequestParams<"thread/fork">): ClientRequest<"thread/fork"> {
  return buildClientRequest("thread/fork", id, ofThread(params));
}

/**
 * Reads a thread that need not be loaded.
 *
 * @param params `includeTurns` is false where it is not given
 * @throws CodexProtocolSendError where `threadId` is not UUID-like
 */
export function buildThreadReadRequest(id: RpcId, params: ClientRequestParams<"thread/read">): ClientRequest<"thread/read"> {
  return buildClientRequest("thread/read", id, { includeTurns: false, ...ofThread(params) });
}

/** Lists the threads of the machine, a page at a time. */
export function buildThreadListRequest(id: RpcId, params: ClientRequestParams<"thread/list"> = {}): ClientRequest<"thread/list"> {
  return buildClientRequest("thread/list", id, params);
}

/** Lists the threads that the process holds loaded. */
export function buildThreadLoadedListRequest(id: RpcId, params: ClientRequestParams<"thread/loaded/list"> = {}): ClientRequest<"thread/loaded/list"> {
  return buildClientRequest("thread/loaded/list", id, params);
}

/**
 * Archives a thread; a turn that runs is interrupted.
 *
 * @throws CodexProtocolSendError where `threadId` is not UUID-like
 */
export function buildThreadArchiveRequest(id: RpcId, params: ClientRequestParams<"thread/archive">): ClientRequest<"thread/archive"> {
  return buildClientRequest("thread/archive", id, ofThread(params));
}

/**
 * Brings a thread back from the archive.
 *
 * @throws CodexProtocolSendError where `threadId` is not UUID-like
 */
export function buildThreadUnarchiveRequest(id: RpcId, params: ClientRequestParams<"thread/unarchive">): ClientRequest<"thread/unarchive"> {
  return buildClientRequest("thread/unarchive", id, ofThread(params));
}

/**
 * Drops the last turns of a thread, where the app-server is old enough to know `thread/rollback`.
 *
 * @deprecated The pinned app-server refuses it. `thread/revert {threadId, beforeTurnId}` does it on paginated threads,
 *   `thread/fork {threadId, lastTurnId}` on any.
 * @throws CodexProtocolSendError where `threadId` is not UUID-like
 */
export function buildThreadRollbackRequest(
  id: RpcId,
  params: ThreadRollbackParams,
): { readonly method: "thread/rollback"; readonly id: RpcId; readonly params: ThreadRollbackParams } {
  return { method: "thread/rollback", id, params: ofThread(params) };
}

/**
 * Starts a turn; while one runs, it steers that one and is answered with its id.
 *
 * @throws CodexProtocolSendError where `threadId` is not UUID-like
 */
export function buildTurnStartRequest(id: RpcId, params: ClientRequestParams<"turn/start">): ClientRequest<"turn/start"> {
  return buildClientRequest("turn/start", id, ofThread(params));
}

/**
 * Starts a turn with a text alone.
 *
 * @throws CodexProtocolSendError where `threadId` is not UUID-like
 */
export function buildTurnStartTextRequest(id: RpcId, params: { readonly threadId: string; readonly text: string }): ClientRequest<"turn/start"> {
  const { threadId, text } = ofThread(params);
  return buildClientRequest("turn/start", id, { threadId, input: [{ type: "text", text, text_elements: [] }] });
}

/**
 * Interrupts the turn that runs; of a review that is the id that `turn/started` told, not the response's.
 *
 * @throws CodexProtocolSendError where `threadId` is not UUID-like
 */
export function buildTurnInterruptRequest(id: RpcId, params: ClientRequestParams<"turn/interrupt">): ClientRequest<"turn/interrupt"> {
  return buildClientRequest("turn/interrupt", id, ofThread(params));
}

/** Asks who is logged in. `refreshToken` is false where it is not given. */
export function buildAccountReadRequest(id: RpcId, params: ClientRequestParams<"account/read"> = {}): ClientRequest<"account/read"> {
  return buildClientRequest("account/read", id, { refreshToken: false, ...params });
}

/** Begins a login. */
export function buildAccountLoginStartRequest(id: RpcId, params: ClientRequestParams<"account/login/start">): ClientRequest<"account/login/start"> {
  return buildClientRequest("account/login/start", id, params);
}

/** Gives up a login that was begun. */
export function buildAccountLoginCancelRequest(id: RpcId, params: ClientRequestParams<"account/login/cancel">): ClientRequest<"account/login/cancel"> {
  return buildClientRequest("account/login/cancel", id, params);
}

/** Logs out. */
export function buildAccountLogoutRequest(id: RpcId): ClientRequest<"account/logout"> {
  return buildClientRequest("account/logout", id);
}

/** Asks how much of the account's limits is used. */
export function buildAccountRateLimitsReadRequest(id: RpcId): ClientRequest<"account/rateLimits/read"> {
  return buildClientRequest("account/rateLimits/read", id);
}

function whole({ name, title, version }: AppServerClientInfo): { name: string; title: string | null; version: string } {
  return { name, title: title ?? null, version };
}

function ofThread<Params extends { readonly threadId: string }>(params: Params): Params {
  assertThreadId(params.threadId);
  return params;
}
