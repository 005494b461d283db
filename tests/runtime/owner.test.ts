/** Whose an outbox is: what waits in it goes with nobody else's credential. */
import type { UserIdentity } from "convex/server";
import { describe, expect, it, vi } from "vitest";
import { lookAt } from "../../js-wrapper/cli/outbox-folder.js";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { ownerOf } from "../../js-wrapper/host/owner.js";
import { type CodexBridgeClient, createConvexPersistence } from "../../js-wrapper/runtime/index.js";
import { Ownership } from "../../js-wrapper/runtime/ownership.js";
import { startApp } from "../convex/app.js";
import { dump, OWNER, startComponent } from "../convex/build.js";
import { folder } from "../outbox/build.js";
import { persistenceOver, runtimeWith, START } from "./build.js";
import { chat, host, WAIT } from "./machine.js";

const ANOTHER = { code: "E_OUTBOX_OWNER_MISMATCH" };
type Args = { threadId?: string; deltas?: unknown };
type Call = (reference: never, args: Args) => Promise<unknown>;
type Network = (args: Args, call: () => Promise<unknown>) => Promise<unknown>;

/** An app, and one machine on which bridges of its users run, each over a network. */
async function startUsers() {
  let app = startApp({ chat });
  const mine = await folder();
  const { actor: _, ...start } = START;
  const as = (name: string) => app.withIdentity({ subject: name, issuer: "https://id.test", tokenIdentifier: `https://id.test|${name}` } satisfies Partial<UserIdentity>);
  const tokenOf = async (name: string) => (await as(name).mutation(host.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() })).token;
  const bridgeOf = async (name: string, network: Network = (_args, call) => call(), token?: () => string) => {
    const issued = await tokenOf(name);
    const over = (kind: "query" | "mutation"): Call => (reference, args) => network(args, () => (app[kind] as Call)(reference, args));
    const client = { query: over("query"), mutation: over("mutation") } as unknown as CodexBridgeClient;
    return runtimeWith(createConvexPersistence(client, host, { deviceToken: token ?? issued }), { outboxFolder: mine });
  };
  const waiting = async () => (await lookAt(mine)).backlog.map(({ events }) => events);
  /** A turn of Ann's of which nothing arrives. @returns how much of it waits */
  const leaveBacklog = async () => {
    const { runtime } = await bridgeOf("ann", (args, call) => ("deltas" in args ? Promise.reject(new TypeError("fetch failed")) : call()));
    await runtime.start(start);
    await runtime.ready();
    runtime.sendTurn("Hello.");
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ turnInFlight: false, turnId: expect.any(String) as string }), WAIT);
    await runtime.stop();
    return waiting();
  };
  const seenBy = async (name: string) => {
    const paginationOpts = { cursor: null, numItems: 10 };
    const { page } = await as(name).query(host.listThreadsForHooks, { paginationOpts });
    const texts = page.map(async ({ threadId }) => (await as(name).query(host.listThreadMessagesForHooks, { threadId, paginationOpts })).page.map(({ text }) => text));
    return { texts: await Promise.all(texts), runtimes: (await as(name).query(host.listPresence, {})).length };
  };
  /** Nothing of the deployment is left but its functions. */
  const reset = () => void (app = startApp({ chat }));
  return { start, bridgeOf, tokenOf, leaveBacklog, waiting, seenBy, reset };
}

const LOADED = { runtimeThreadId: "019a3b5c-0000-7000-8000-000000000001" };

describe("the outbox of a user", { timeout: 60_000 }, () => {
  it("is refused to another one before anything is sent and codex runs, and arrives with its own user's next token", async () => {
    const { start, bridgeOf, leaveBacklog, waiting, seenBy } = await startUsers();
    const left = await leaveBacklog();
    expect(left).toEqual([expect.any(Number)]);
    const bobs = await bridgeOf("bob");
    await expect(bobs.runtime.start(start)).rejects.toMatchObject(ANOTHER);
    expect(bobs.runtime.getState()).toMatchObject({ phase: "failed", runtimeThreadId: null, lastError: expect.stringContaining("E_OUTBOX_OWNER_MISMATCH") as string });
    expect([await seenBy("bob"), await waiting()]).toEqual([{ texts: [], runtimes: 0 }, left]);

    const anns = await bridgeOf("ann");
    await anns.runtime.start(start);
    await vi.waitFor(async () => expect((await seenBy("ann")).texts.flat()).toEqual(["you said: Hello.", "Hello."]), WAIT);
    expect(anns.problems).toEqual([]);
  });

  it("ends another one's bridge that began while no deployment answered: nothing is sent, and nothing that it said stays", async () => {
    const { start, bridgeOf, leaveBacklog, waiting, seenBy } = await startUsers();
    const left = await leaveBacklog();
    let reach: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const { runtime, problems } = await bridgeOf("bob", (_args, call) => reached.then(call));
    await runtime.start(start);
    const ready = runtime.ready();
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ running: true, runtimeThreadId: expect.any(String) as string }), WAIT);
    const threadId = runtime.getState().runtimeThreadId!;
    await runtime.appServer.request("turn/start", { threadId, input: [{ type: "text", text: "Secret of Bob.", text_elements: [] }] });
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ turnInFlight: false, turnId: expect.any(String) as string }), WAIT);
    reach();
    await expect(ready).rejects.toMatchObject(ANOTHER);
    expect(problems).toMatchObject([ANOTHER]);
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ phase: "failed", lastError: expect.stringContaining("E_OUTBOX_OWNER_MISMATCH") as string }), WAIT);
    expect(await seenBy("bob")).toEqual({ texts: [], runtimes: 0 });
    await runtime.stop();
    expect(await waiting()).toEqual(left);
    const anns = await bridgeOf("ann");
    await anns.runtime.start({ ...start, ...LOADED });
    await anns.runtime.ready();
    await vi.waitFor(async () => expect((await seenBy("ann")).texts).toEqual([["you said: Hello.", "Hello."]]), WAIT);
    await anns.runtime.stop();
    expect([await waiting(), anns.problems]).toEqual([[], []]);
  });

  it("is not sent with the credential that another one signs in with while a bridge runs: that ends", async () => {
    const { start, bridgeOf, tokenOf, waiting, seenBy } = await startUsers();
    let [token, isDown] = [await tokenOf("ann"), false];
    const { runtime, problems } = await bridgeOf("ann", (_args, call) => (isDown ? Promise.reject(new TypeError("fetch failed")) : call()), () => token);
    await runtime.start(start);
    await runtime.ready();
    isDown = true;
    runtime.sendTurn("Secret of Ann.");
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ turnInFlight: false, turnId: expect.any(String) as string }), WAIT);
    [token, isDown] = [await tokenOf("bob"), false];
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ phase: "failed", lastError: expect.stringContaining("E_OUTBOX_OWNER_MISMATCH") as string }), WAIT);
    expect([problems.filter(({ code }) => code === ANOTHER.code).length, await seenBy("bob")]).toEqual([1, { texts: [], runtimes: 0 }]);
    await runtime.stop();
    expect(await waiting()).toEqual([expect.any(Number)]);
    const anns = await bridgeOf("ann");
    await anns.runtime.start({ ...start, ...LOADED });
    await vi.waitFor(async () => expect((await seenBy("ann")).texts.flat()).toEqual(["you said: Secret of Ann.", "Secret of Ann."]), WAIT);
  });

  it("goes on with its thread by its name where its own user's deployment was reset", async () => {
    const { start, bridgeOf, reset } = await startUsers();
    const threadIds = [];
    for (const isReset of [false, false, true]) {
      if (isReset) reset();
      const { runtime, problems } = await bridgeOf("ann");
      await runtime.start({ ...start, ...(threadIds.length === 0 ? {} : LOADED) });
      await runtime.ready();
      const { threadId, externalThreadId } = runtime.getState();
      expect([externalThreadId, problems]).toEqual(["mine", []]);
      threadIds.push(threadId);
      await runtime.stop();
    }
    const [first, second, afterwards] = threadIds;
    expect([second, afterwards === first]).toEqual([first, false]);
  });

  it("arrives in its thread, by its name, where its own user's deployment was reset while it waited", async () => {
    const { start, bridgeOf, leaveBacklog, seenBy, waiting, reset } = await startUsers();
    await leaveBacklog();
    reset();
    const { runtime, problems } = await bridgeOf("ann");
    await runtime.start({ ...start, ...LOADED });
    await runtime.ready();
    runtime.sendTurn("After the reset.");
    await vi.waitFor(async () => expect((await seenBy("ann")).texts).toEqual([["you said: After the reset.", "After the reset.", "you said: Hello.", "Hello."]]), WAIT);
    await runtime.stop();
    expect([await waiting(), problems]).toEqual([[], []]);
  });

  it.each(["made", "found"])("arrives there too where the deployment is reset while a bridge that has %s the thread runs, and its credential holds", async (what) => {
    const { start, bridgeOf, tokenOf, seenBy, reset } = await startUsers();
    if (what === "found") {
      const { runtime } = await bridgeOf("ann");
      await runtime.start(start);
      await runtime.ready();
      await runtime.stop();
    }
    let token = await tokenOf("ann");
    const { runtime, problems } = await bridgeOf("ann", undefined, () => token);
    await runtime.start({ ...start, ...(what === "found" ? LOADED : {}) });
    await runtime.ready();
    const before = runtime.getState().threadId;
    reset();
    token = await tokenOf("ann");
    runtime.sendTurn("After the reset.");
    await vi.waitFor(async () => expect((await seenBy("ann")).texts).toEqual([["you said: After the reset.", "After the reset."]]), WAIT);
    const { threadId, externalThreadId } = runtime.getState();
    expect([threadId === before, externalThreadId, problems]).toEqual([false, "mine", []]);
  });

  it("is so too where the app's own persistence is told whose the calls are", async () => {
    const component = startComponent();
    const outboxFolder = await folder();
    for (const [deviceId, userId, refused] of [["laptop", OWNER.userId, false], ["desk", OWNER.userId, false], ["laptop", "bob", true]] as const) {
      const { runtime } = runtimeWith(persistenceOver(component), { outboxFolder });
      const started = runtime.start({ ...START, actor: { ...OWNER, deviceId, userId } }).then(() => runtime.ready());
      if (refused) await expect(started).rejects.toMatchObject(ANOTHER);
      else await started;
      await runtime.stop();
    }
    expect(new Set((await dump(component)).threads.map(({ userId }) => userId))).toEqual(new Set([OWNER.userId]));
  });
});

describe("whose it is", () => {
  const RUNTIME = "rt";
  const coded = (code: string) => Object.assign(new Error(code), { data: { code, message: `[${code}] why`, retryable: false } });
  const owned = (owner?: string) => ({ runtimeId: RUNTIME, owner, keepOwner: vi.fn(function (this: { owner: string | undefined }, is: string) { this.owner = is; }) });

  it("is kept as it was answered first, and says nothing of the device", async () => {
    const [ann, desk, bob, other] = await Promise.all([OWNER, { ...OWNER, deviceId: "desk" }, { ...OWNER, userId: "bob" }, { ...OWNER, tenantId: "else" }].map((actor) => ownerOf(RUNTIME, actor)));
    expect(desk).toBe(ann);
    expect(new Set([ann, bob, other, await ownerOf("another", OWNER)]).size).toBe(4);
    expect(ann).not.toContain(OWNER.userId);
    const kept = owned();
    const answers = vi.fn(async () => ann);
    const ownership = new Ownership(kept, { owner: answers });
    await Promise.all([ownership.passed(), ownership.passed()]);
    await ownership.passed();
    expect([answers.mock.calls, kept.keepOwner.mock.calls]).toEqual([[[{ runtimeId: RUNTIME }]], [[ann]]]);
    const next = new Ownership(kept, { owner: answers });
    await next.passed();
    // What was noted before it was known may be anybody's.
    expect([ownership.isSame, next.isSame]).toEqual([false, true]);
    const told = vi.fn();
    const bobs = new Ownership(kept, { owner: async () => bob }, { onOther: told });
    for (let times = 0; times < 2; times++) await expect(bobs.passed()).rejects.toMatchObject(ANOTHER);
    expect([told.mock.calls.length, kept.owner]).toEqual([1, ann]);
  });

  it("is asked for of each further credential, and a call goes with the one that was asked of", async () => {
    let token = "ann";
    const sent: unknown[] = [];
    const mutation = async (_: never, args: { sessionId?: string; runtimeId?: string; deviceToken: string; deltas?: [] }) => {
      const { deviceToken } = args;
      if (args.deltas === undefined) {
        const owner = deviceToken.split(" ")[0];
        // Whoever asks meanwhile has another one.
        token = "bob";
        return { owner };
      }
      sent.push(deviceToken);
      return { status: "ok", errors: [] };
    };
    const persistence = createConvexPersistence({ query: mutation, mutation } as unknown as CodexBridgeClient, host, { deviceToken: () => token });
    const told = vi.fn();
    const ownership = new Ownership(owned(), persistence, { onOther: told });
    const { ingestSafe } = ownership.before({ ...persistence, ingestSafe: async (args: Parameters<typeof persistence.ingestSafe>[0]) => (await Promise.resolve(), persistence.ingestSafe(args)) });
    const ingest = () => ingestSafe({ sessionId: "s", threadId: "t", deltas: [] });
    await ingest();
    token = "ann again";
    await ingest();
    for (let times = 0; times < 2; times++) await expect(ingest()).rejects.toMatchObject(ANOTHER);
    // It is over, whoever comes back.
    token = "ann";
    await expect(ingest()).rejects.toMatchObject(ANOTHER);
    expect([sent, told.mock.calls.length, ownership.isOther]).toEqual([["ann", "ann again"], 1, true]);
    // What was noted before this start may be anybody's, whichever credential was asked of.
    expect(ownership.isSame).toBe(false);
  });

  it("is found out before the calls of a persistence that is frozen too", async () => {
    const calls = Object.freeze({ ensureSession: async (sessionId: string) => sessionId, owner: async () => "ann" });
    const ownership = new Ownership(owned("ann"), calls);
    const before = ownership.before(calls);
    expect([await before.ensureSession("s"), "ensureSession" in before, "beat" in before, ownership.isSame]).toEqual(["s", true, false, true]);
  });

  it.each([
    ["an older app", coded("E_AUTH_THREAD_FORBIDDEN")],
    ["an app without the function", new Error("Could not find public function for 'chat:ensureSession'")],
    ["an app that does not say", undefined],
  ])("is not known of %s, and not asked for again: all goes on as before", async (_what, thrown) => {
    const asked = vi.fn(async () => {
      if (thrown !== undefined) throw thrown;
      return undefined;
    });
    const ownership = new Ownership(owned("ann"), { owner: asked });
    for (let times = 0; times < 2; times++) await ownership.passed();
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it.each([
    ["a network that is down", new TypeError("fetch failed")],
    ["a credential that does not hold", coded("E_AUTH_DEVICE_FORBIDDEN")],
    ["a deployment in trouble", new Error("[Request ID: 1] Server Error")],
  ])("is asked for until it is answered where it was before: %s lets nothing pass", async (_what, thrown) => {
    const asked = vi.fn(async () => "ann");
    for (let times = 0; times < 9; times++) asked.mockRejectedValueOnce(thrown);
    const ownership = new Ownership(owned("ann"), { owner: asked });
    for (let times = 0; times < 9; times++) await expect(ownership.passed()).rejects.toBe(thrown);
    await ownership.passed();
  });

  it("is asked for a few times where it never was answered, and holds nothing up", async () => {
    for (const thrown of [new Error("[Request ID: 1] Server Error"), coded("E_INTERNAL")]) {
      const asked = vi.fn(() => Promise.reject(thrown));
      const ownership = new Ownership(owned(), { owner: asked });
      for (let times = 0; times < 9; times++) await ownership.passed();
      expect(asked).toHaveBeenCalledTimes(5);
    }
  });

  it.each([
    ["no network", new TypeError("fetch failed")],
    ["a proxy", new Error("502 Bad Gateway: Internal Server Error")],
    ["a credential that does not hold yet", coded("E_AUTH_DEVICE_FORBIDDEN")],
    ["nobody who is signed in", coded("E_AUTH_REQUIRED")],
    ["no room", coded("E_QUOTA")],
  ])("is asked for until it is answered, and kept then, where there was %s", async (_what, thrown) => {
    const asked = vi.fn(async () => "ann");
    for (let times = 0; times < 9; times++) asked.mockRejectedValueOnce(thrown);
    const kept = owned();
    const ownership = new Ownership(kept, { owner: asked });
    for (let times = 0; times < 10; times++) await ownership.passed();
    expect(kept.owner).toBe("ann");
  });
});
