import { expect, it } from "vitest";
import * as host from "../../js-wrapper/host/convex.js";
import { FakeComponent } from "./fake-component.js";

const actor = { tenantId: "tenant", userId: "user", deviceId: "device" };
const thread = { actor, threadId: "t" };
const turn = { ...thread, turnId: "u" };
const job = { actor, deletionJobId: "j" };

type Call = (fake: FakeComponent) => Promise<unknown>;
const cases: [name: string, args: object, call: Call][] = [
  ["threads.deleteCascade", thread, ({ ctx, component }) => host.deleteThreadForActor(ctx, component, thread)],
  ["threads.deleteCascade", { ...thread, reason: "r" }, ({ ctx, component }) => host.deleteThreadForActor(ctx, component, { ...thread, reason: "r" })],
  ["threads.scheduleDeleteCascade", thread, ({ ctx, component }) => host.scheduleThreadDeletionForActor(ctx, component, thread)],
  ["threads.scheduleDeleteCascade", { ...thread, delayMs: 0 }, ({ ctx, component }) => host.scheduleThreadDeletionForActor(ctx, component, { ...thread, delayMs: 0 })],
  ["turns.deleteCascade", turn, ({ ctx, component }) => host.deleteTurnForActor(ctx, component, turn)],
  ["turns.scheduleDeleteCascade", { ...turn, delayMs: 5, reason: "r" }, ({ ctx, component }) => host.scheduleTurnDeletionForActor(ctx, component, { ...turn, delayMs: 5, reason: "r" })],
  ["threads.purgeActorData", { actor }, ({ ctx, component }) => host.purgeDataForActor(ctx, component, { actor })],
  ["threads.schedulePurgeActorData", { actor, delayMs: 0 }, ({ ctx, component }) => host.purgeDataForActor(ctx, component, { actor, delayMs: 0 })],
  ["threads.cancelScheduledDeletion", job, ({ ctx, component }) => host.cancelDeletionForActor(ctx, component, job)],
  ["threads.forceRunScheduledDeletion", job, ({ ctx, component }) => host.forceDeletionForActor(ctx, component, job)],
  ["threads.getDeletionJobStatus", job, ({ ctx, component }) => host.getDeletionJobStatusForActor(ctx, component, job)],
  ["threads.revert", turn, ({ ctx, component }) => host.revertThreadForActor(ctx, component, turn)],
  ["threads.revert", { ...thread, turnId: null }, ({ ctx, component }) => host.revertThreadForActor(ctx, component, { ...thread, turnId: null })],
  ["threads.fork", { ...thread, newThreadId: "n", localThreadId: "n" }, ({ ctx, component }) => host.forkThreadForActor(ctx, component, { ...thread, newThreadId: "n" })],
  ["threads.fork", { ...turn, newThreadId: "n", localThreadId: "n", model: "m", cwd: "/" }, ({ ctx, component }) => host.forkThreadForActor(ctx, component, { ...turn, newThreadId: "n", model: "m", cwd: "/" })],
  ["threads.getForkStatus", { actor, forkJobId: "f" }, ({ ctx, component }) => host.getForkStatusForActor(ctx, component, { actor, forkJobId: "f" })],
  ["threads.archive", thread, ({ ctx, component }) => host.archiveThreadForActor(ctx, component, thread)],
  ["threads.unarchive", thread, ({ ctx, component }) => host.unarchiveThreadForActor(ctx, component, thread)],
  ["threads.rename", { ...thread, name: "" }, ({ ctx, component }) => host.renameThreadForActor(ctx, component, { ...thread, name: "" })],
  ["threads.create", { ...thread, localThreadId: "t", recreate: true }, ({ ctx, component }) => host.ensureThreadByCreate(ctx, component, { ...thread, recreate: true })],
  ["threads.resolve", { actor, externalThreadId: "x", localThreadId: "x", recreate: true }, ({ ctx, component }) => host.ensureThreadByResolve(ctx, component, { actor, externalThreadId: "x", recreate: true })],
];

it.each(cases)("%s gets %o, and nothing else", async (name, args, call) => {
  const fake = new FakeComponent();
  await call(fake);
  expect(fake.calls).toEqual([[name, args]]);
});
