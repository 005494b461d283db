/** What the builders of `./app-server` make: message for message, and against what was recorded of the real app-server. */
import { describe, expect, expectTypeOf, test } from "vitest";
import * as appServer from "../../js-wrapper/app-server/index.js";
import type { ClientRequestMethod } from "../../js-wrapper/app-server/index.js";
import { CLIENT_REQUESTS, SERVER_REQUESTS } from "../../js-wrapper/protocol/generated/methods.js";
import { CodexProtocolSendError } from "../../js-wrapper/protocol/index.js";
import { RECORDED } from "../protocol/recorded.js";

const threadId = "01a20289-cc39-7cc2-a683-66aad0d0351e";
const info = { name: "app", title: "App", version: "1.2.3" };

describe("a request", () => {
  test.each<[built: unknown, message: object]>([
    [appServer.buildClientRequest("config/read", "r1", { includeLayers: true }), { method: "config/read", id: "r1", params: { includeLayers: true } }],
    [appServer.buildInitializeRequest(0, info), { method: "initialize", id: 0, params: { clientInfo: info, capabilities: null } }],
    [
      appServer.buildInitializeRequest(0, { name: "app", version: "1" }),
      { method: "initialize", id: 0, params: { clientInfo: { name: "app", title: null, version: "1" }, capabilities: null } },
    ],
    [
      appServer.buildInitializeRequestWithCapabilities(1, info, { experimentalApi: true }),
      { method: "initialize", id: 1, params: { clientInfo: info, capabilities: { experimentalApi: true } } },
    ],
    [appServer.buildInitializedNotification(), { method: "initialized" }],
    [appServer.buildThreadStartRequest(2), { method: "thread/start", id: 2, params: { experimentalRawEvents: false } }],
    [appServer.buildThreadStartRequest(2, { cwd: "/w" }), { method: "thread/start", id: 2, params: { cwd: "/w", experimentalRawEvents: false } }],
    [
      appServer.buildThreadStartRequest(2, { experimentalRawEvents: true }),
      { method: "thread/start", id: 2, params: { experimentalRawEvents: true } },
    ],
    [appServer.buildThreadResumeRequest(3, { threadId, cwd: null }), { method: "thread/resume", id: 3, params: { threadId, cwd: null } }],
    [appServer.buildThreadForkRequest(4, { threadId }), { method: "thread/fork", id: 4, params: { threadId } }],
    [appServer.buildThreadReadRequest(5, { threadId }), { method: "thread/read", id: 5, params: { threadId, includeTurns: false } }],
    [appServer.buildThreadReadRequest(5, { threadId, includeTurns: true }), { method: "thread/read", id: 5, params: { threadId, includeTurns: true } }],
    [appServer.buildThreadListRequest(6), { method: "thread/list", id: 6, params: {} }],
    [appServer.buildThreadListRequest(6, { limit: 2 }), { method: "thread/list", id: 6, params: { limit: 2 } }],
    [appServer.buildThreadLoadedListRequest(7), { method: "thread/loaded/list", id: 7, params: {} }],
    [appServer.buildThreadLoadedListRequest(7, { limit: 1 }), { method: "thread/loaded/list", id: 7, params: { limit: 1 } }],
    [appServer.buildThreadArchiveRequest(8, { threadId }), { method: "thread/archive", id: 8, params: { threadId } }],
    [appServer.buildThreadUnarchiveRequest(9, { threadId }), { method: "thread/unarchive", id: 9, params: { threadId } }],
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- it is for apps of an older app-server
    [appServer.buildThreadRollbackRequest(10, { threadId, numTurns: 1 }), { method: "thread/rollback", id: 10, params: { threadId, numTurns: 1 } }],
    [appServer.buildTurnStartRequest(11, { threadId, input: [] }), { method: "turn/start", id: 11, params: { threadId, input: [] } }],
    [
      appServer.buildTurnStartTextRequest(12, { threadId, text: "hi" }),
      { method: "turn/start", id: 12, params: { threadId, input: [{ type: "text", text: "hi", text_elements: [] }] } },
    ],
    [appServer.buildTurnInterruptRequest(13, { threadId, turnId: "t" }), { method: "turn/interrupt", id: 13, params: { threadId, turnId: "t" } }],
    [appServer.buildAccountReadRequest(14), { method: "account/read", id: 14, params: { refreshToken: false } }],
    [appServer.buildAccountReadRequest(14, { refreshToken: true }), { method: "account/read", id: 14, params: { refreshToken: true } }],
    [
      appServer.buildAccountLoginStartRequest(15, { type: "apiKey", apiKey: "sk" }),
      { method: "account/login/start", id: 15, params: { type: "apiKey", apiKey: "sk" } },
    ],
    [appServer.buildAccountLoginCancelRequest(16, { loginId: "l" }), { method: "account/login/cancel", id: 16, params: { loginId: "l" } }],
    [appServer.buildAccountLogoutRequest(17), { method: "account/logout", id: 17, params: undefined }],
    [appServer.buildAccountRateLimitsReadRequest(18), { method: "account/rateLimits/read", id: 18, params: undefined }],
  ])("%j", (built, message) => {
    expect(built).toStrictEqual(message);
    expect(JSON.parse(JSON.stringify(built))).toEqual(message);
  });

  test("is typed by its method", () => {
    expectTypeOf(appServer.buildClientRequest("model/list", 1, {})).toEqualTypeOf<appServer.ClientRequest<"model/list">>();
    // @ts-expect-error it takes params
    appServer.buildClientRequest("thread/read", 1);
    // @ts-expect-error it has a thread
    appServer.buildClientRequest("thread/read", 1, {});
    // @ts-expect-error it takes none
    appServer.buildClientRequest("account/logout", 1, {});
    // @ts-expect-error the pinned version has it no longer
    appServer.buildClientRequest("thread/rollback", 1, { threadId });
    expectTypeOf<ClientRequestMethod>().toEqualTypeOf<keyof typeof CLIENT_REQUESTS>();
  });

  test("as it was recorded, is what its builder makes", () => {
    const refused = new Set(["no/such/method", "thread/rollback"]);
    const requests = RECORDED.filter(({ dir, msg }) => dir === "out" && msg.method !== undefined && msg.id !== undefined && !refused.has(msg.method));
    expect(requests).toHaveLength(190);
    for (const { msg } of requests) {
      const { method, id, params } = msg as { method: "model/list"; id: number; params: object };
      expect(CLIENT_REQUESTS).toHaveProperty([method]);
      expect(JSON.parse(JSON.stringify(appServer.buildClientRequest(method, id, params)))).toEqual(msg);
    }
  });
});

const OF_A_THREAD = [
  ...["buildThreadResumeRequest", "buildThreadForkRequest", "buildThreadReadRequest", "buildThreadArchiveRequest", "buildThreadUnarchiveRequest"],
  ...["buildThreadRollbackRequest", "buildTurnStartRequest", "buildTurnStartTextRequest", "buildTurnInterruptRequest"],
] as const;

describe("a thread's id", () => {
  test.each([
    [threadId, true],
    [threadId.toUpperCase(), true],
    ["00000000-0000-0000-0000-000000000000", true],
    ["", false],
    ["thread_1", false],
    [`${threadId}0`, false],
    [` ${threadId}`, false],
    [`${threadId}\n`, false],
    [threadId.replaceAll("-", ""), false],
    [threadId.replace("c", "g"), false],
    [`urn:uuid:${threadId}`, false],
  ])("%j is one: %s", (id, is) => expect(appServer.isUuidLikeThreadId(id)).toBe(is));

  test.each(OF_A_THREAD)("that is none is refused by %s", (name) => {
    const build = appServer[name] as (id: number, params: object) => unknown;
    for (const given of ["local-thread", undefined, 7]) {
      const building = () => build(1, { threadId: given, turnId: "t", text: "x", input: [], numTurns: 1 });
      expect(building).toThrow(CodexProtocolSendError);
      expect(building).toThrow(/^Invalid threadId for app-server request/);
    }
  });

  test("is repeated as far as 64 characters", () => {
    expect(() => appServer.buildThreadArchiveRequest(1, { threadId: "x".repeat(1_000) })).toThrow(new RegExp("`x{64}`"));
  });
});

describe("an answer", () => {
  const { answers } = appServer;

  test("is there for every request of the app-server", () => {
    expect(Object.keys(answers).sort()).toEqual(Object.keys(SERVER_REQUESTS).sort());
  });

  test.each<[built: unknown, message: object]>([
    [appServer.buildCommandExecutionApprovalResponse(0, "accept"), { id: 0, result: { decision: "accept" } }],
    [appServer.buildFileChangeApprovalResponse("a", "decline"), { id: "a", result: { decision: "decline" } }],
    [appServer.buildToolRequestUserInputResponse(1, { q: { answers: ["yes"] } }), { id: 1, result: { answers: { q: { answers: ["yes"] } } } }],
    [appServer.buildDynamicToolCallResponse(2, { success: true, contentItems: [] }), { id: 2, result: { success: true, contentItems: [] } }],
    [
      appServer.buildChatgptAuthTokensRefreshResponse(3, { accessToken: "a", chatgptAccountId: "c", chatgptPlanType: null }),
      { id: 3, result: { accessToken: "a", chatgptAccountId: "c", chatgptPlanType: null } },
    ],
    [appServer.buildChatgptAuthTokensRefreshResponse(3, { idToken: "i", accessToken: "a" }), { id: 3, result: { idToken: "i", accessToken: "a" } }],
    [appServer.buildPermissionsApprovalResponse(4, { permissions: {}, scope: "turn" }), { id: 4, result: { permissions: {}, scope: "turn" } }],
    [appServer.buildMcpServerElicitationResponse(5, { action: "decline" }), { id: 5, result: { action: "decline", content: null, _meta: null } }],
    [
      appServer.buildMcpServerElicitationResponse(5, { action: "accept", content: { colour: "green" }, _meta: 1 }),
      { id: 5, result: { action: "accept", content: { colour: "green" }, _meta: 1 } },
    ],
    [appServer.buildAttestationGenerateResponse(6, "token"), { id: 6, result: { token: "token" } }],
    [appServer.buildCurrentTimeReadResponse(7, 1_795_338_914_999), { id: 7, result: { currentTimeAt: 1_795_338_914 } }],
    [appServer.buildApplyPatchApprovalResponse(8, "approved"), { id: 8, result: { decision: "approved" } }],
    [appServer.buildExecCommandApprovalResponse(9, { denied: { rejection: "no" } }), { id: 9, result: { decision: { denied: { rejection: "no" } } } }],
    [appServer.buildServerRequestErrorResponse(0, { code: -32601, message: "no" }), { id: 0, error: { code: -32601, message: "no" } }],
    [appServer.buildServerRequestResponse("attestation/generate", 1, { token: "t" }), { id: 1, result: { token: "t" } }],
  ])("%j", (built, message) => expect(built).toStrictEqual(message));

  test("that the app-server took, is what its builder makes", () => {
    const asked = new Map<string, string>();
    const took: Record<string, number> = {};
    for (const { recording, dir, msg } of RECORDED) {
      if (msg.event === "start") asked.clear();
      const key = `${recording} ${String(msg.id)}`;
      if (dir === "in" && msg.method !== undefined && msg.id !== undefined) asked.set(key, msg.method);
      if (dir !== "out" || msg.method !== undefined) continue;
      const method = asked.get(key) as keyof typeof answers;
      const { decision, answers: given, ...result } = msg.result as { decision?: unknown; answers?: unknown };
      const build = answers[method] as (id: unknown, given: unknown) => { result: object };
      const built = build(msg.id, decision ?? given ?? result);
      // The recorder left out `_meta`, which may be left out and may be null.
      if (method === "mcpServer/elicitation/request") expect(built).toEqual({ id: msg.id, result: { ...result, _meta: null } });
      else expect(built).toEqual(msg);
      took[method] = (took[method] ?? 0) + 1;
    }
    expect(took).toEqual({
      "item/commandExecution/requestApproval": 8,
      "item/fileChange/requestApproval": 3,
      "item/tool/call": 2,
      "item/tool/requestUserInput": 1,
      "mcpServer/elicitation/request": 2,
    });
  });

  test("is typed by what was asked", () => {
    // @ts-expect-error no such decision
    appServer.buildFileChangeApprovalResponse(1, "perhaps");
    // @ts-expect-error neither version's tokens
    appServer.buildChatgptAuthTokensRefreshResponse(1, { idToken: "i" });
    expectTypeOf(answers["item/tool/call"]).returns.toEqualTypeOf<appServer.ServerAnswer<appServer.ServerRequestResult<"item/tool/call">>>();
  });
});
