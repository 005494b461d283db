import { expect, it } from "vitest";
import {
  listPendingApprovalsForHooksForActor,
  listDecidedRequestsForHooksForActor,
  listPendingServerRequestsForHooksForActor,
  resolvePendingServerRequestForHooksForActor,
  respondApprovalForHooksForActor,
  upsertPendingServerRequestForHooksForActor,
} from "../../js-wrapper/host/convex.js";
import { coded, FakeComponent } from "./fake-component.js";

const actor = { tenantId: "tenant", userId: "user", deviceId: "device" };
const paginationOpts = { numItems: 10, cursor: null };
const approval = { actor, threadId: "t", turnId: "u", itemId: "i", decision: "accepted" as const };
const asked = { actor, requestId: 0, threadId: "t", turnId: "u", itemId: "i", method: "m", payloadJson: "{}", requestedAt: 1 };
const resolved = { actor, threadId: "t", requestId: "a", status: "expired" as const, resolvedAt: 2 };
const origin = { runtimeId: "r", generation: 0, appGeneration: 3 };

async function sent(call: (fake: FakeComponent) => Promise<unknown>): Promise<unknown> {
  const fake = new FakeComponent();
  await call(fake);
  return fake.calls;
}

it("each helper calls its function, with what was given and nothing else", async () => {
  expect(await sent(({ ctx, component }) => listPendingApprovalsForHooksForActor(ctx, component, { actor, threadId: undefined, paginationOpts }))).toEqual([
    ["approvals.listPending", { actor, paginationOpts }],
  ]);
  expect(await sent(({ ctx, component }) => listPendingApprovalsForHooksForActor(ctx, component, { actor, threadId: "t", paginationOpts }))).toEqual([
    ["approvals.listPending", { actor, threadId: "t", paginationOpts }],
  ]);
  const shown = { ...approval, requestId: 0, shownSha256: "aa" };
  for (const args of [approval, { ...approval, decision: { json: '"cancel"' } }, shown]) {
    expect(await sent(({ ctx, component }) => respondApprovalForHooksForActor(ctx, component, args))).toEqual([["approvals.respond", args]]);
  }
  for (const args of [{ actor }, { actor, threadId: "t", limit: 0 }]) {
    expect(await sent(({ ctx, component }) => listPendingServerRequestsForHooksForActor(ctx, component, args))).toEqual([["serverRequests.listPending", args]]);
  }
  const page = { actor, threadId: "t", paginationOpts };
  expect(await sent(({ ctx, component }) => listDecidedRequestsForHooksForActor(ctx, component, page))).toEqual([["serverRequests.listDecided", page]]);
  for (const args of [asked, { ...asked, ...origin, reason: "r", questionsJson: "[]" }]) {
    expect(await sent(({ ctx, component }) => upsertPendingServerRequestForHooksForActor(ctx, component, args))).toEqual([["serverRequests.upsertPending", args]]);
  }
  for (const args of [resolved, { ...resolved, ...origin, responseJson: "{}", policy: "p" }]) {
    expect(await sent(({ ctx, component }) => resolvePendingServerRequestForHooksForActor(ctx, component, args))).toEqual([["serverRequests.resolve", args]]);
  }
});

it("a thread that is not there is empty, every other error is thrown", async () => {
  const failing = (code: string) => new FakeComponent({ "approvals.listPending": coded(code), "serverRequests.listPending": coded(code), "serverRequests.listDecided": coded(code) });
  const missing = failing("E_AUTH_THREAD_FORBIDDEN");
  expect(await listPendingApprovalsForHooksForActor(missing.ctx, missing.component, { actor, threadId: "t", paginationOpts })).toEqual({
    page: [],
    isDone: true,
    continueCursor: "",
    threadStatus: "missing",
  });
  expect(await listDecidedRequestsForHooksForActor(missing.ctx, missing.component, { actor, threadId: "t", paginationOpts })).toMatchObject({ page: [], threadStatus: "missing" });
  expect(await listPendingServerRequestsForHooksForActor(missing.ctx, missing.component, { actor, threadId: "t" })).toEqual([]);
  const broken = failing("E_CURSOR_INVALID");
  await expect(listPendingApprovalsForHooksForActor(broken.ctx, broken.component, { actor, paginationOpts })).rejects.toThrow();
  await expect(listPendingServerRequestsForHooksForActor(broken.ctx, broken.component, { actor })).rejects.toThrow();
});
