/** What a user does from another device, over an app as its developer has it, to a runtime whose codex is the stand-in. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { anyApi, type ApiFromModules, type FunctionReference, type UserIdentity } from "convex/server";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { defineCodexHost, resolveActorFromAuth } from "../../js-wrapper/host/convex.js";
import { shownSha256Of } from "../../js-wrapper/mapping/index.js";
import { createConvexPersistence, type CodexBridgeClient } from "../../js-wrapper/runtime/index.js";
import { codexLocal, startApp, type App } from "../convex/app.js";
import { folder } from "../outbox/build.js";
import { runtimeWith, START } from "./build.js";

const ANN = { subject: "ann", issuer: "https://id.test", tokenIdentifier: "https://id.test|ann", sid: "phone" } satisfies Partial<UserIdentity>;
const WAIT = { timeout: 30_000, interval: 20 };
const WATCH_MS = 20;

const chat = defineCodexHost(codexLocal, { actor: resolveActorFromAuth });
const host = anyApi["chat"] as unknown as ApiFromModules<{ chat: typeof chat }>["chat"];

/** A client with subscriptions, which convex-test has not: it asks again and again. */
function clientOf(app: App): CodexBridgeClient {
  const onUpdate = (query: FunctionReference<"query">, args: object, onAnswer: (answer: never) => unknown) => {
    let told: string | undefined;
    const timer = setInterval(() => {
      void app.query(query, args as never).then((answer: unknown) => {
        if (JSON.stringify(answer) !== told) onAnswer(answer as never);
        told = JSON.stringify(answer);
      });
    }, WATCH_MS);
    onTestFinished(() => clearInterval(timer));
    return () => clearInterval(timer);
  };
  return { query: app.query, mutation: app.mutation, onUpdate } as unknown as CodexBridgeClient;
}

type Options = Parameters<typeof runtimeWith>[1];

/** Ann's machine, started, and her phone. */
async function begin(options: Options = {}) {
  const app = startApp({ chat });
  const ann = app.withIdentity(ANN);
  const { token: deviceToken } = await ann.mutation(host.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
  const outboxFolder = await folder();
  const made = runtimeWith(createConvexPersistence(clientOf(app), host, { deviceToken }), { outboxFolder, ...options });
  await made.runtime.start(START);
  await made.runtime.ready();
  const threadId = made.runtime.getState().threadId!;
  let sent = 0;
  const send = async (kind: "turn" | "steer" | "interrupt" | "decide" | "answer", payload: object): Promise<string> => {
    const commandId = `c${String(++sent)}`;
    await ann.mutation(host.sendCommand, { threadId, commandId, kind, payloadJson: JSON.stringify(payload) });
    return commandId;
  };
  const ends = (commandId: string, end: object) => vi.waitFor(async () => expect(await ann.query(host.getCommand, { commandId })).toMatchObject(end), WAIT);
  const texts = async () => (await ann.query(host.listThreadMessagesForHooks, { threadId, paginationOpts: { cursor: null, numItems: 20 } })).page.map(({ text }) => text).reverse();
  const says = (want: string[]) => vi.waitFor(async () => expect(await texts()).toEqual(want), WAIT);
  /** The turn that runs, as soon as the phone sees it. */
  const runs = () =>
    vi.waitFor(async () => {
      const { turnInFlight, turnId } = made.runtime.getState();
      expect(turnInFlight).toBe(true);
      expect(await ann.query(host.getTurn, { threadId, turnId: turnId! })).not.toBeNull();
      return turnId!;
    }, WAIT);
  const present = () => ann.query(host.getPresence, { threadId });
  return { ...made, app, ann, threadId, send, ends, texts, says, runs, present, deviceToken, outboxFolder };
}

const said = (text: string) => ({ input: [{ type: "text", text }] });

describe("a machine that is steered from afar", () => {
  it("takes a turn, and says which one it became", async () => {
    const { send, ends, says, runtime, problems } = await begin();
    const commandId = await send("turn", said("Hello."));
    await says(["Hello.", "you said: Hello."]);
    await ends(commandId, { state: "accepted", turnId: runtime.getState().turnId });
    const next = await send("turn", said("Again."));
    await ends(next, { state: "accepted" });
    await says(["Hello.", "you said: Hello.", "Again.", "you said: Again."]);
    expect(problems).toEqual([]);
  });

  it("keeps what is sent while a turn runs, and gives it to codex behind that", async () => {
    const { send, ends, runs, says, ann } = await begin({ standIn: { holdIn: "u1" } });
    const first = await send("turn", said("Wait."));
    const turnId = await runs();
    await ends(first, { state: "accepted" });
    const second = await send("turn", said("Then this."));
    const third = await send("turn", said("And that."));
    const steer = await send("steer", { ...said("Go on."), expectedTurnId: turnId });
    await ends(steer, { state: "accepted" });
    await ends(third, { state: "accepted" });
    expect(await ann.query(host.getCommand, { commandId: second })).toMatchObject({ state: "accepted" });
    await says(["Wait.", "you said: Wait.", "Go on.", "Then this.", "you said: Then this.", "And that.", "you said: And that."]);
  });

  it("ends a turn, by a command and by the thread's own stop; one that is over is not there to end", async () => {
    const { send, ends, runs, ann, threadId } = await begin({ standIn: { holdIn: "u1" } });
    await send("turn", said("Wait."));
    const turnId = await runs();
    await ends(await send("interrupt", { turnId }), { state: "accepted" });
    await vi.waitFor(async () => expect(await ann.query(host.getTurn, { threadId, turnId })).toMatchObject({ status: "interrupted" }), WAIT);
    await expect(send("interrupt", { turnId })).rejects.toThrow(/E_COMMAND_TARGET_GONE/);
  });

  it("starts codex anew where a turn does not end, and goes on", async () => {
    const { send, ends, runs, runtime, says, problems } = await begin({ standIn: { holdIn: "u1", deaf: true } });
    await send("turn", said("For ever."));
    await ends(await send("interrupt", { turnId: await runs() }), { state: "accepted" });
    expect(problems.map(({ code }) => code)).toEqual(["E_RUNTIME_TURN_STUCK"]);
    await runtime.ready();
    expect(runtime.getState()).toMatchObject({ turnInFlight: false, running: true });
    await says(["For ever.", "you said: "]);
  }, 60_000);

  it("gives codex the decision of an approval, once, whoever else decides", async () => {
    const { send, ends, says, ann, threadId, runtime } = await begin({ standIn: { askIn: "u1" } });
    await send("turn", said("List."));
    const pending = async () => (await ann.query(host.listPendingApprovalsForHooks, { threadId, paginationOpts: { cursor: null, numItems: 10 } })).page;
    await vi.waitFor(async () => expect(await pending()).toHaveLength(1), WAIT);
    const [approval] = await pending();
    const { turnId, itemId, payloadJson } = approval!;
    const decision = { threadId, turnId, itemId, shownSha256: await shownSha256Of(payloadJson) };
    await ann.mutation(host.respondApprovalForHooks, { ...decision, decision: "accepted" });
    await expect(ann.mutation(host.respondApprovalForHooks, { ...decision, decision: "declined" })).rejects.toThrow(/E_APPROVAL_NOT_PENDING/);
    await says(["List.", "you said: List.", "ls"]);
    const shown = async () => (await ann.query(host.listThreadMessagesForHooks, { threadId, paginationOpts: { cursor: null, numItems: 10 } })).page;
    // Declined, it would read so.
    await vi.waitFor(async () => expect((await shown())[0]).toMatchObject({ text: "ls", status: "completed" }), WAIT);
    const { page } = await ann.query(host.listCommands, { threadId, paginationOpts: { cursor: null, numItems: 10 } });
    const decided = page.find(({ kind }) => kind === "decide");
    await ends(decided!.commandId, { state: "accepted" });
    expect(runtime.listPendingServerRequests()).toEqual([]);
    expect(await pending()).toEqual([]);
  });

  it("lets nothing pass that its owner's policy does not, read anew for each command", async () => {
    const policyFile = path.join(await folder(), "policy.json");
    const { send, ends, texts } = await begin({ remote: { policyFile } });
    await ends(await send("turn", { ...said("x"), sandboxPolicy: { type: "dangerFullAccess" } }), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    await ends(await send("turn", { ...said("x"), cwd: "/" }), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    await ends(await send("turn", said("First.")), { state: "accepted" });
    await writeFile(policyFile, JSON.stringify({ kinds: ["interrupt"] }));
    await ends(await send("turn", said("x")), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    await writeFile(policyFile, "{");
    await ends(await send("turn", said("x")), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    expect(await texts()).not.toContain("x");
  });

  it("says that it is there, what it does, and that it went", async () => {
    const { runtime, present, runs } = await begin({ standIn: { holdIn: "u1" } });
    await vi.waitFor(async () => expect(await present()).toMatchObject({ machine: "here", bridge: "up", codex: "up", thread: "here" }), WAIT);
    runtime.sendTurn("Wait.");
    const turnId = await runs();
    await vi.waitFor(async () => expect(await present()).toMatchObject({ bridge: "up", thread: "here", current: { turnId } }), WAIT);
    await runtime.stop();
    expect(await present()).toMatchObject({ bridge: "stopped" });
  });

  it("does not know what became of a command whose codex died, says so, and never gives it again", async () => {
    const { send, ends, says, runtime } = await begin({ standIn: { deadOnce: path.join(await folder(), "died") } });
    const lost = await send("turn", said("Die."));
    await ends(lost, { state: "unknown" });
    await ends(await send("turn", said("Again.")), { state: "accepted" });
    await says(["Again.", "you said: Again."]);
    expect(runtime.getState().phase).toBe("ready");
  });

  it("is neither seen nor steered where its owner does not wish it", async () => {
    const { send, ann, present } = await begin({ remote: false });
    const commandId = await send("turn", said("x"));
    await vi.waitFor(async () => expect(await present()).toMatchObject({ machine: "never" }), WAIT);
    expect(await ann.query(host.getCommand, { commandId })).toMatchObject({ state: "queued" });
  });
});
