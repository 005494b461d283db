/** Builders of what the app-server's own requests are answered with. */
import type {
  ChatgptAuthTokensRefreshResponse,
  CommandExecutionApprovalDecision,
  DynamicToolCallResponse,
  FileChangeApprovalDecision,
  JsonValue,
  McpServerElicitationAction,
  ReviewDecision,
  ToolRequestUserInputResponse,
} from "../protocol/generated/types.js";
import type { CodexRpcError, RpcId } from "../protocol/index.js";
import type { ServerRequestMethod, ServerRequestResult } from "../protocol/typed.js";

const MS_PER_S = 1_000;

/** An answer to a request of the app-server. */
export interface ServerAnswer<Result> {
  readonly id: RpcId;
  readonly result: Result;
}

/** New tokens, as an app-server of the seed's day wanted them. */
export interface LegacyChatgptAuthTokens {
  readonly idToken: string;
  readonly accessToken: string;
}

/**
 * An answer to a request of any method. It checks nothing.
 *
 * @param method the method that was asked: for the type of `result` alone
 * @param id the request's, as it came: 0 is one
 */
export function buildServerRequestResponse<M extends ServerRequestMethod>(_method: M, id: RpcId, result: ServerRequestResult<M>): ServerAnswer<ServerRequestResult<M>> {
  return { id, result };
}

/** Refuses a request of the app-server, whatever its method. @param error `code` is JSON-RPC's: -32601 for what is not known here */
export function buildServerRequestErrorResponse(id: RpcId, error: CodexRpcError): { readonly id: RpcId; readonly error: CodexRpcError } {
  return { id, error };
}

/** Decides whether a command may run. @param decision `cancel` ends the turn, too */
export function buildCommandExecutionApprovalResponse(id: RpcId, decision: CommandExecutionApprovalDecision) {
  return buildServerRequestResponse("item/commandExecution/requestApproval", id, { decision });
}

/** Decides whether files may be changed. @param decision `cancel` ends the turn, too */
export function buildFileChangeApprovalResponse(id: RpcId, decision: FileChangeApprovalDecision) {
  return buildServerRequestResponse("item/fileChange/requestApproval", id, { decision });
}

/** Grants permissions. @param granted what of the permissions asked for is given, and for how long; `permissions: {}` gives none */
export function buildPermissionsApprovalResponse(id: RpcId, granted: ServerRequestResult<"item/permissions/requestApproval">) {
  return buildServerRequestResponse("item/permissions/requestApproval", id, granted);
}

/** Answers questions to the user. @param answers by the question's id: `{ [id]: { answers: ["…"] } }` */
export function buildToolRequestUserInputResponse(id: RpcId, answers: ToolRequestUserInputResponse["answers"]) {
  return buildServerRequestResponse("item/tool/requestUserInput", id, { answers });
}

/** Answers the call of a tool that the client brought itself. */
export function buildDynamicToolCallResponse(id: RpcId, { success, contentItems }: DynamicToolCallResponse) {
  return buildServerRequestResponse("item/tool/call", id, { success, contentItems });
}

/** Answers a question of an MCP server. @param answer `content` is what was filled in, null where it is declined or cancelled */
export function buildMcpServerElicitationResponse(
  id: RpcId,
  answer: { readonly action: McpServerElicitationAction; readonly content?: JsonValue; readonly _meta?: JsonValue },
) {
  const { action, content = null, _meta = null } = answer;
  return buildServerRequestResponse("mcpServer/elicitation/request", id, { action, content, _meta });
}

/** Hands over new tokens: the pinned app-server's three, or the two of the seed's day for one of that day. */
export function buildChatgptAuthTokensRefreshResponse<Tokens extends ChatgptAuthTokensRefreshResponse | LegacyChatgptAuthTokens>(
  id: RpcId,
  tokens: Tokens,
): ServerAnswer<Tokens> {
  const asked = buildServerRequestResponse("account/chatgptAuthTokens/refresh", id, tokens as ChatgptAuthTokensRefreshResponse & Tokens);
  return asked as ServerAnswer<Tokens>;
}

/** Hands over an attestation of the client. */
export function buildAttestationGenerateResponse(id: RpcId, token: string) {
  return buildServerRequestResponse("attestation/generate", id, { token });
}

/** Tells the time. @param nowMs milliseconds since 1970; the app-server gets whole seconds */
export function buildCurrentTimeReadResponse(id: RpcId, nowMs: number) {
  return buildServerRequestResponse("currentTime/read", id, { currentTimeAt: Math.floor(nowMs / MS_PER_S) });
}

/** Decides whether a patch may be applied, for an app-server that still asks in the old way. */
export function buildApplyPatchApprovalResponse(id: RpcId, decision: ReviewDecision) {
  return buildServerRequestResponse("applyPatchApproval", id, { decision });
}

/** Decides whether a command may run, for an app-server that still asks in the old way. */
export function buildExecCommandApprovalResponse(id: RpcId, decision: ReviewDecision) {
  return buildServerRequestResponse("execCommandApproval", id, { decision });
}

type Answering = { readonly [M in ServerRequestMethod]: (id: RpcId, given: never) => ServerAnswer<ServerRequestResult<M>> };

/**
 * The builder for each request of the app-server.
 *
 * @example
 * ```ts
 * bridge.send(answers["currentTime/read"](request.id, Date.now()));
 * ```
 */
export const answers = {
  "account/chatgptAuthTokens/refresh": buildChatgptAuthTokensRefreshResponse,
  applyPatchApproval: buildApplyPatchApprovalResponse,
  "attestation/generate": buildAttestationGenerateResponse,
  "currentTime/read": buildCurrentTimeReadResponse,
  execCommandApproval: buildExecCommandApprovalResponse,
  "item/commandExecution/requestApproval": buildCommandExecutionApprovalResponse,
  "item/fileChange/requestApproval": buildFileChangeApprovalResponse,
  "item/permissions/requestApproval": buildPermissionsApprovalResponse,
  "item/tool/call": buildDynamicToolCallResponse,
  "item/tool/requestUserInput": buildToolRequestUserInputResponse,
  "mcpServer/elicitation/request": buildMcpServerElicitationResponse,
} as const satisfies Answering;
