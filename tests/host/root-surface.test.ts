/** Every name that an app built on the seed's package imports from `./client` and from the package itself. */
import { expect, expectTypeOf, it } from "vitest";
import * as client from "../../js-wrapper/client/index.js";
import type {
  CodexActorContext,
  CodexComponent,
  CodexMessageDoc,
  CodexMutationRunner,
  CodexQueryRunner,
  CodexReasoningSegment,
  CodexStreamOverlay,
  CodexSyncRuntimeOptions,
  CodexUIMessage,
} from "../../js-wrapper/client/index.js";
import * as host from "../../js-wrapper/host/convex.js";
import * as root from "../../js-wrapper/index.js";
import type {
  CodexDurableMessageLike,
  CodexOverlayMessage,
  CodexOverlayReasoningSegment,
  CodexReasoningOverlaySegment,
  CodexReasoningSegmentLike,
  CodexStreamDeltaLike,
} from "../../js-wrapper/index.js";

const CLIENT = [
  ...["listMessages", "listTurnMessages", "listReasoningByThread", "listPendingApprovals", "respondToApproval"],
  ...["listPendingServerRequests", "upsertPendingServerRequest", "resolvePendingServerRequest"],
  ...["startTurn", "interruptTurn", "replayStreams", "resumeStreamReplay"],
  ...["createThread", "resolveThread", "resumeThread", "getThreadState", "resolveThreadByExternalId", "getExternalThreadMapping", "listThreads"],
];
const MAPPING = [
  ...["mergeCodexDurableAndStreamMessages", "extractCodexOverlayMessages", "extractCodexReasoningOverlaySegments"],
  ...["aggregateCodexReasoningSegments", "toCodexUIMessage"],
];

it("the client has the seed's 19 functions of (ctx, component, args)", () => {
  expect(CLIENT).toHaveLength(19);
  const named = client as Record<string, unknown>;
  expect(CLIENT.filter((name) => typeof named[name] !== "function" || named[name].length !== 3)).toEqual([]);
});

it("the package itself has all of the client, the host and the mapping", () => {
  expect(Object.keys(root)).toEqual(expect.arrayContaining([...Object.keys(client), ...Object.keys(host), ...MAPPING]));
});

it("the types of the seed are there, and fit what the functions take and answer", () => {
  type Ctx = Parameters<typeof client.listMessages>[0];
  expectTypeOf<CodexQueryRunner>().toExtend<Ctx>();
  expectTypeOf<CodexMutationRunner>().toExtend<Parameters<typeof client.startTurn>[0]>();
  expectTypeOf<CodexComponent>().toExtend<Parameters<typeof client.listMessages>[1]>();
  expectTypeOf<CodexActorContext>().toEqualTypeOf<Parameters<typeof client.listMessages>[2]["actor"]>();
  expectTypeOf<Awaited<ReturnType<typeof client.listMessages>>["page"]>().toEqualTypeOf<CodexMessageDoc[]>();
  expectTypeOf<Awaited<ReturnType<typeof client.listReasoningByThread>>["page"]>().toEqualTypeOf<CodexReasoningSegment[]>();
  expectTypeOf<CodexSyncRuntimeOptions>().toExtend<NonNullable<Parameters<typeof client.replayStreams>[2]["runtime"]>>();
  expectTypeOf<CodexStreamOverlay>().toEqualTypeOf<host.HostStreamsResult>();
  expectTypeOf<CodexMessageDoc>().toExtend<CodexDurableMessageLike>();
  expectTypeOf<CodexReasoningSegment>().toExtend<CodexReasoningSegmentLike>();
  expectTypeOf<Awaited<ReturnType<typeof client.replayStreams>>["deltas"][number]>().toExtend<CodexStreamDeltaLike>();
  expectTypeOf(root.toCodexUIMessage).returns.toEqualTypeOf<CodexUIMessage>();
  expectTypeOf(root.extractCodexOverlayMessages).returns.toEqualTypeOf<Map<string, CodexOverlayMessage>>();
  expectTypeOf(root.extractCodexReasoningOverlaySegments).returns.toEqualTypeOf<Map<string, CodexReasoningOverlaySegment>>();
  expectTypeOf<CodexOverlayReasoningSegment>().toEqualTypeOf<CodexReasoningOverlaySegment>();
});
