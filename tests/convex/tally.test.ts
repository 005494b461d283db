/** A user has at most so many threads, by whichever door they come: counted in a row, so that none costs what there are. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { THREADS_MAX } from "../../convex/model/tally.js";
import type { Actor } from "../../convex/validators.js";
import { api, dump, ingest, OWNER, refusal, SESSION, startComponent, THREAD, TurnStream, type Component } from "./build.js";

const OTHER: Actor = { ...OWNER, userId: "bob" };

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const counted = async (component: Component) => (await dump(component)).tallies.map(({ userId, threads }) => [userId, threads]);
const finish = (component: Component) => component.finishAllScheduledFunctions(vi.runAllTimers);
const create = (component: Component, threadId: string, actor = OWNER) => component.mutation(api.threads.create, { actor, threadId });
const sent = (threadId: string) => new TurnStream({ threadId }).whole();

/** How a thread is made that is not there. */
const DOORS: Record<string, (component: Component, threadId: string) => Promise<unknown>> = {
  "threads.create": create,
  "threads.resolve": (component, externalThreadId) => component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId }),
  "threads.resolve without a name": (component) => component.mutation(api.threads.resolve, { actor: OWNER }),
  "threads.fork": (component, newThreadId) => component.mutation(api.threads.fork, { actor: OWNER, threadId: THREAD, newThreadId }),
};

/** The owner's thread with a turn, and another user's. */
async function startTwo(limits: true | Record<string, number> = true): Promise<Component> {
  const component = startComponent(limits);
  for (const actor of [OWNER, OTHER]) await create(component, THREAD, actor);
  await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
  await ingest(component, [new TurnStream().started(), ...new TurnStream().reply("m", ["hi"])]);
  return component;
}

/** As many threads of the owner as it says, without their rows. */
const pretend = (component: Component, threads: number) =>
  component.run(async (ctx) => {
    const tally = (await ctx.db.query("tallies").collect()).find(({ userId }) => userId === OWNER.userId)!;
    await ctx.db.patch("tallies", tally._id, { threads });
  });

test.each(Object.entries(DOORS))("%s counts, and is refused where there are too many: nothing is written", async (_name, make) => {
  const component = await startTwo();
  await pretend(component, THREADS_MAX - 1);
  await make(component, "last");
  await finish(component);
  expect(await counted(component)).toEqual([[OWNER.userId, THREADS_MAX], [OTHER.userId, 1]]);
  const before = await dump(component);
  expect(await refusal(make(component, "one more"))).toMatchObject({ code: "E_QUOTA", retryable: false });
  expect(await dump(component)).toEqual(before);
  // What is there goes on, and another user's threads are made.
  await create(component, THREAD);
  await create(component, "another", OTHER);
  expect(await counted(component)).toEqual([[OWNER.userId, THREADS_MAX], [OTHER.userId, 2]]);
});

test("a batch that would make one too many is rejected as a value, and taken when there is room", async () => {
  const component = await startTwo();
  await pretend(component, THREADS_MAX - 1);
  const send = (threadId: string) => ingest(component, sent(threadId), { threadId, sessionId: threadId });
  expect(await send("last")).toMatchObject({ status: "session_recovered" });
  expect(await send("one more")).toMatchObject({ status: "rejected", ackedStreams: [], errors: [{ errorCode: "E_QUOTA", recoverable: false }] });
  expect(await ingest(component, new TurnStream({ turnId: "turn_2" }).whole())).toMatchObject({ status: "ok" });
  await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId: "last" });
  expect(await send("one more")).toMatchObject({ status: "session_recovered" });
  expect((await counted(component))[0]).toEqual([OWNER.userId, THREADS_MAX]);
});

test("the same thread again, its messages and its deletion twice count once", async () => {
  const component = await startTwo();
  for (const make of Object.values(DOORS)) await make(component, "th_2");
  await finish(component);
  // Made by create, and twice by resolve; the fork went into the first.
  expect((await counted(component))[0]).toEqual([OWNER.userId, 4]);
  for (const make of [DOORS["threads.create"]!, DOORS["threads.resolve"]!]) await make(component, "th_2");
  expect((await counted(component))[0]).toEqual([OWNER.userId, 4]);
  const remove = () => component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId: "th_2" });
  await remove();
  await refusal(remove()).catch(() => undefined);
  await finish(component);
  expect((await counted(component))[0]).toEqual([OWNER.userId, 3]);
  await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2", recreate: true });
  expect((await counted(component))[0]).toEqual([OWNER.userId, 4]);
});

test("with the last thread of a user goes the count, and a thread makes it anew", async () => {
  const component = await startTwo();
  await component.mutation(api.threads.purgeActorData, { actor: OWNER });
  await finish(component);
  expect(await counted(component)).toEqual([[OTHER.userId, 1]]);
  await create(component, "again");
  expect(await counted(component)).toEqual([[OTHER.userId, 1], [OWNER.userId, 1]]);
});

test("one more costs the same, however many there are", async () => {
  const limits: Record<string, number> = {};
  const component = await startTwo(limits);
  for (let at = 0; at < 60; at++) await create(component, `th ${String(at)}`);
  Object.assign(limits, { documentsRead: 4 });
  for (const make of [DOORS["threads.create"]!, DOORS["threads.resolve"]!]) await make(component, "one more");
});
