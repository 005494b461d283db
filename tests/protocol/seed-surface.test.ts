/** Every name that an app built on the seed's package imports from `./app-server` and `./protocol`. */
import { expect, expectTypeOf, test } from "vitest";
import * as appServer from "../../js-wrapper/app-server/index.js";
import * as protocol from "../../js-wrapper/protocol/index.js";

const APP_SERVER = [
  ...["buildClientRequest", "buildInitializeRequest", "buildInitializeRequestWithCapabilities", "buildInitializedNotification"],
  ...["buildThreadStartRequest", "buildThreadResumeRequest", "buildThreadForkRequest", "buildThreadReadRequest", "buildThreadListRequest"],
  ...["buildThreadLoadedListRequest", "buildThreadArchiveRequest", "buildThreadUnarchiveRequest", "buildThreadRollbackRequest"],
  ...["buildTurnStartRequest", "buildTurnStartTextRequest", "buildTurnInterruptRequest"],
  ...["buildAccountReadRequest", "buildAccountLoginStartRequest", "buildAccountLoginCancelRequest", "buildAccountLogoutRequest", "buildAccountRateLimitsReadRequest"],
  ...["buildCommandExecutionApprovalResponse", "buildFileChangeApprovalResponse", "buildToolRequestUserInputResponse"],
  ...["buildDynamicToolCallResponse", "buildChatgptAuthTokensRefreshResponse", "isUuidLikeThreadId"],
];

const OF_BOTH = ["terminalStatus", "approvalRequest", "approvalResolution", "itemSnapshot", "durableMessage", "durableMessageDelta", "reasoningDelta"];
const PROTOCOL = [
  ...["parseWireMessage", "assertValidClientMessage", "classifyMessage", "extractThreadId", "extractTurnId", "extractStreamId", "normalizeEventKind", "turnIdForPayload"],
  ...OF_BOTH.flatMap((what) => [`${what}ForMessage`, `${what}ForPayload`]),
  ...["CodexProtocolParseError", "CodexProtocolSendError"],
];

test("`./app-server` has the seed's 27 functions", () => {
  expect(APP_SERVER).toHaveLength(27);
  const named: Record<string, unknown> = appServer;
  expect(APP_SERVER.filter((name) => typeof named[name] !== "function")).toEqual([]);
});

test("`./protocol` has the seed's 22 functions and 2 classes", () => {
  expect(PROTOCOL).toHaveLength(24);
  const named: Record<string, unknown> = protocol;
  expect(PROTOCOL.filter((name) => typeof named[name] !== "function")).toEqual([]);
  expect(new protocol.CodexProtocolParseError("no", "line")).toMatchObject({ message: "no", rawLine: "line" });
  expect(new protocol.CodexProtocolSendError("no")).toMatchObject({ message: "no" });
});

test("the types of the seed are there", () => {
  expectTypeOf<protocol.CodexResponse>().toExtend<protocol.ServerInboundMessage>();
  expectTypeOf<protocol.ClientOutboundMessage>().toExtend<protocol.ClientOutboundWireMessage>();
  expectTypeOf<protocol.ServerInboundMessage>().toExtend<protocol.CodexWireMessage>();
  expectTypeOf<protocol.ClientRequest>().toExtend<protocol.ClientOutboundMessage>();
  expectTypeOf<protocol.ClientNotification>().toExtend<protocol.ClientOutboundMessage>();
  expectTypeOf<protocol.ServerRequest>().toExtend<protocol.ServerInboundMessage>();
  expectTypeOf<protocol.ServerNotification>().toExtend<protocol.ServerInboundMessage>();
  expectTypeOf<protocol.ClientServerRequestResponse>().toExtend<protocol.ClientOutboundWireMessage>();
  expectTypeOf<protocol.InitializeResponse>().toExtend<protocol.GeneratedResponsePayload>();
  expectTypeOf(protocol.classifyMessage).returns.toEqualTypeOf<protocol.ClassifiedMessage>();
  expectTypeOf<protocol.RpcId>().toEqualTypeOf<protocol.RequestId>();
  expectTypeOf<protocol.NormalizedEvent["payloadJson"]>().toEqualTypeOf<string>();
  expectTypeOf<ReturnType<typeof appServer.buildToolRequestUserInputResponse>>().toExtend<protocol.ClientOutboundWireMessage>();
});
