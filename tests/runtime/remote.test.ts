/** What a user does from another device, to a runtime whose codex is the stand-in. */
import { mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { mutationGeneric } from "convex/server";
import { describe, expect, it, vi } from "vitest";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { shownSha256Of } from "../../js-wrapper/mapping/index.js";
import { folder } from "../outbox/build.js";
import { chat, host, said, startMachine, WAIT } from "./machine.js";

describe("a machine that is steered from afar", () => {
  it("takes a turn, and says which one it became", async () => {
    const { send, ends, says, runtime, problems } = await startMachine();
    const commandId = await send("turn", said("Hello."));
    await says(["Hello.", "you said: Hello."]);
    await ends(commandId, { state: "accepted", turnId: runtime.getState().turnId });
    const next = await send("turn", said("Again."));
    await ends(next, { state: "accepted" });
    await says(["Hello.", "you said: Hello.", "Again.", "you said: Again."]);
    expect(problems).toEqual([]);
  });

  it("keeps what is sent while a turn runs, and gives it to codex behind that", async () => {
    const { send, ends, runs, says, ann } = await startMachine({ standIn: { holdIn: "u1" } });
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

  it("has a `turn/start` while a turn runs of which codex has said nothing yet be a steer: the running turn's id comes back", async () => {
    const { send, ends, says, ann, threadId, runtime, problems } = await startMachine({ standIn: { holdIn: "u1", muteIn: "u1" } });
    runtime.sendTurn("Wait.");
    const commandId = await send("turn", { ...said("Then this."), clientTurnId: "wish" });
    expect(await ann.query(host.getTurn, { threadId, turnId: "wish" })).toMatchObject({ status: "queued" });
    await says(["Wait.", "you said: Wait.", "Then this."]);
    const { turnId } = runtime.getState();
    await ends(commandId, { state: "accepted", turnId });
    // What was queued is a message of the turn that ran, and no turn of its own.
    const shown = async () => (await ann.query(host.threadSnapshot, { threadId })).turns.map((turn) => [turn.turnId, turn.status]);
    await vi.waitFor(async () => expect(await shown()).toEqual([[turnId, "completed"]]), WAIT);
    const { page } = await ann.query(host.listThreadMessagesForHooks, { threadId, paginationOpts: { cursor: null, numItems: 10 } });
    expect(page.map((message) => message.turnId)).toEqual([turnId, turnId, turnId]);
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ turnInFlight: false, phase: "ready" }), WAIT);
    await ends(await send("turn", said("Next.")), { state: "accepted" });
    await says(["Wait.", "you said: Wait.", "Then this.", "Next.", "you said: Next."]);
    expect(problems).toEqual([]);
  });

  it("takes the next turn where codex died when it had taken one, and before it said anything of that", async () => {
    const tookOnce = path.join(await folder(), "took");
    const { send, ends, says } = await startMachine({ standIn: { tookOnce } });
    await ends(await send("turn", said("Lost.")), { state: "accepted", turnId: "taken" });
    await ends(await send("turn", said("Next.")), { state: "accepted" });
    await says(["Next.", "you said: Next."]);
  });

  it("ends a turn, by a command and by the thread's own stop; one that is over is not there to end", async () => {
    const { send, ends, runs, ann, threadId } = await startMachine({ standIn: { holdIn: "u1" } });
    await send("turn", said("Wait."));
    const turnId = await runs();
    await ends(await send("interrupt", { turnId }), { state: "accepted" });
    await vi.waitFor(async () => expect(await ann.query(host.getTurn, { threadId, turnId })).toMatchObject({ status: "interrupted" }), WAIT);
    await expect(send("interrupt", { turnId })).rejects.toThrow(/E_COMMAND_TARGET_GONE/);
  });

  it("starts codex anew where a turn does not end, and goes on", async () => {
    const { send, ends, runs, runtime, says, problems } = await startMachine({ standIn: { holdIn: "u1", deaf: true } });
    await send("turn", said("For ever."));
    await ends(await send("interrupt", { turnId: await runs() }), { state: "accepted" });
    expect(problems.map(({ code }) => code)).toEqual(["E_RUNTIME_TURN_STUCK"]);
    await runtime.ready();
    expect(runtime.getState()).toMatchObject({ turnInFlight: false, running: true });
    await says(["For ever.", "you said: "]);
  }, 60_000);

  it("gives codex the decision of an approval, once, whoever else decides", async () => {
    const { send, ends, says, ann, threadId, runtime } = await startMachine({ standIn: { askIn: "u1" } });
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

  it("gives codex the decision of what it asks after it died and was started again", async () => {
    const { send, ends, ann, threadId, runtime, problems } = await startMachine({ standIn: { askIn: "u1", deadOnce: path.join(await folder(), "died") } });
    await ends(await send("turn", said("Die.")), { state: "unknown" });
    await ends(await send("turn", said("List.")), { state: "accepted" });
    const pending = async () => (await ann.query(host.listPendingApprovalsForHooks, { threadId, paginationOpts: { cursor: null, numItems: 10 } })).page;
    await vi.waitFor(async () => expect(await pending()).toHaveLength(1), WAIT);
    const [{ turnId, itemId, payloadJson }] = (await pending()) as [Awaited<ReturnType<typeof pending>>[number]];
    await ann.mutation(host.respondApprovalForHooks, { threadId, turnId, itemId, shownSha256: await shownSha256Of(payloadJson), decision: "accepted" });
    const shown = async () => (await ann.query(host.listTurnMessagesForHooks, { threadId, turnId })).map(({ text, status }) => [text, status]);
    await vi.waitFor(async () => expect(await shown()).toContainEqual(["ls", "completed"]), WAIT);
    const decided = async () => (await ann.query(host.listDecidedRequestsForHooks, { threadId, paginationOpts: { cursor: null, numItems: 10 } })).page;
    await vi.waitFor(async () => expect(await decided()).toMatchObject([{ status: "answered", decidedByDevice: "phone" }]), WAIT);
    expect(runtime.listPendingServerRequests()).toEqual([]);
    // What became of the turn that it was given it cannot say: it lists none.
    expect(problems.map(({ code }) => code)).toEqual(["E_BRIDGE_PROCESS_EXITED", "E_APP_SERVER_GONE", "E_UNSUPPORTED_BY_APP_SERVER"]);
  });

  it("lets nothing pass that its owner's policy does not, read anew for each command", async () => {
    const policyFile = path.join(await folder(), "policy.json");
    await writeFile(policyFile, "{}");
    const { send, ends, texts } = await startMachine({ remote: { policyFile } });
    await ends(await send("turn", { ...said("x"), sandboxPolicy: { type: "dangerFullAccess" } }), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    await ends(await send("turn", { ...said("x"), cwd: "/" }), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    await ends(await send("turn", said("First.")), { state: "accepted" });
    await writeFile(policyFile, JSON.stringify({ kinds: ["interrupt"] }));
    await ends(await send("turn", said("x")), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    await writeFile(policyFile, "{");
    await ends(await send("turn", said("x")), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    expect(await texts()).not.toContain("x");
  });

  it("lets nothing pass where the file that it names is not there, and says so", async () => {
    const policyFile = path.join(await folder(), "polcy.json");
    const { send, ends, problems } = await startMachine({ remote: { policyFile } });
    expect(problems.map(({ code }) => code)).toEqual(["E_RUNTIME_POLICY_UNREADABLE"]);
    await ends(await send("turn", said("x")), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    await writeFile(policyFile, "{}");
    await ends(await send("turn", said("y")), { state: "accepted" });
    expect(problems).toHaveLength(1);
  });

  it.each([
    ["that it begins: codex's own", {}, true],
    ["that it resumes: that thread's, wherever codex was started", { runtimeThreadId: "019a3b5c-0000-7000-8000-000000000100" }, false],
  ])("lets a command into the folder of the thread %s", async (_which, args, isHere) => {
    const there = await folder();
    await mkdir(path.join(there, "tests"));
    const { send, ends } = await startMachine({ standIn: { livesIn: there } }, args);
    const [own, other] = isHere ? [process.cwd(), there] : [there, process.cwd()];
    await ends(await send("turn", { ...said("Inside."), cwd: path.join(own, "tests") }), { state: "accepted" });
    await ends(await send("turn", { ...said("Outside."), cwd: other }), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
  });

  it("lets no command out by a link, nor into what is not there", async () => {
    const [own, outside] = [await folder(), await realpath(await folder())];
    await writeFile(path.join(outside, "secret.png"), "x");
    await symlink(outside, path.join(own, "link"));
    const { send, ends, texts } = await startMachine({ standIn: { livesIn: own } }, { runtimeThreadId: "019a3b5c-0000-7000-8000-000000000100" });
    const image = { type: "localImage", path: path.join(own, "link/secret.png") };
    for (const out of [
      { cwd: path.join(own, "link") },
      { cwd: path.join(own, "new") },
      { sandboxPolicy: { type: "workspaceWrite", writableRoots: [path.join(own, "link")] } },
      { input: [...said("x").input, image] },
    ]) {
      await ends(await send("turn", { ...said("x"), ...out }), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    }
    expect(await texts()).not.toContain("x");
  });

  it("takes nothing while codex may write its policy, and says so as soon as it has its thread", async () => {
    const policyFile = path.join(await folder(), "policy.json");
    for (const isThere of [false, true]) {
      if (isThere) await writeFile(policyFile, "{}");
      const { send, ends, problems } = await startMachine({ standIn: { writes: true }, remote: { policyFile, policyMayBeMissing: true } });
      expect(problems.map(({ code }) => code)).toEqual(["E_RUNTIME_POLICY_EXPOSED"]);
      await ends(await send("turn", said("x")), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
      expect(problems).toHaveLength(1);
    }
  });

  it("gives a thread of which it knows no folder only a turn that names one", async () => {
    const { send, ends, ann, threadId, texts } = await startMachine({ standIn: { agentIn: "u1", agentTold: "never" } });
    await send("turn", said("Ask it."));
    const others = async () => (await ann.query(host.listThreadsForHooks, { paginationOpts: { cursor: null, numItems: 10 } })).page.filter((thread) => thread.threadId !== threadId);
    await vi.waitFor(async () => expect(await others()).toHaveLength(1), WAIT);
    const other = (await others())[0]!.threadId;
    await vi.waitFor(async () => expect(await ann.query(host.getPresence, { threadId: other })).toMatchObject({ thread: "here" }), WAIT);
    const ask = async (commandId: string, more: object) => {
      await ann.mutation(host.sendCommand, { threadId: other, commandId, kind: "turn", payloadJson: JSON.stringify({ ...said(commandId), ...more }) });
      return commandId;
    };
    await ends(await ask("Nowhere.", {}), { state: "refused", code: "E_COMMAND_NOT_ALLOWED" });
    await ends(await ask("Here.", { cwd: process.cwd() }), { state: "accepted" });
    expect(await texts()).not.toContain("Nowhere.");
  });

  it("says that it is there, what it does, and that it went", async () => {
    const { runtime, present, runs } = await startMachine({ standIn: { holdIn: "u1" } });
    await vi.waitFor(async () => expect(await present()).toMatchObject({ machine: "here", bridge: "up", codex: "up", thread: "here" }), WAIT);
    runtime.sendTurn("Wait.");
    const turnId = await runs();
    await vi.waitFor(async () => expect(await present()).toMatchObject({ bridge: "up", thread: "here", current: { turnId } }), WAIT);
    await runtime.stop();
    expect(await present()).toMatchObject({ bridge: "stopped" });
  });

  it("says how much waits on it, while its events are not taken", async () => {
    const ingestBatch = mutationGeneric({
      args: {},
      handler: () => {
        throw new Error("not now");
      },
    });
    const before = Date.now();
    const { runtime, present } = await startMachine({}, {}, { ...chat, ingestBatch });
    runtime.sendTurn("Hello.");
    // All that was said, and that the turn is over.
    await vi.waitFor(async () => expect(await present()).toMatchObject({ current: { behind: runtime.backlog()[0]!.events } }), WAIT);
    const { behind, oldestEventAt } = (await present()).current!;
    expect(behind).toBeGreaterThan(5);
    expect(oldestEventAt).toBeGreaterThanOrEqual(before);
  }, 60_000);

  it("does not know what became of a command whose codex died, says so, and never gives it again", async () => {
    const { send, ends, says, runtime } = await startMachine({ standIn: { deadOnce: path.join(await folder(), "died") } });
    const lost = await send("turn", said("Die."));
    await ends(lost, { state: "unknown" });
    await ends(await send("turn", said("Again.")), { state: "accepted" });
    await says(["Again.", "you said: Again."]);
    expect(runtime.getState().phase).toBe("ready");
  });

  it("stops when another device has its thread, though nothing happens in it: the first command tells", async () => {
    const { app, send, present, runtime, threadId, problems, ann } = await startMachine();
    const { token: deviceToken } = await ann.mutation(host.issueDeviceToken, { deviceId: "desk", entropy: createDeviceEntropy() });
    await app.mutation(host.ensureSession, { deviceToken, sessionId: "theirs", threadId });
    await send("turn", said("Whose?"));
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ phase: "failed", running: false }), WAIT);
    expect(runtime.getState().lastError).toContain("E_SYNC_SESSION_DEVICE_MISMATCH");
    expect(problems.map(({ code }) => code)).toEqual(["E_SYNC_SESSION_DEVICE_MISMATCH"]);
    expect(await present()).toMatchObject({ bridge: "failed" });
  });

  it("is neither seen nor steered where its owner does not wish it", async () => {
    const { send, ann, present } = await startMachine({ remote: false });
    const commandId = await send("turn", said("x"));
    await vi.waitFor(async () => expect(await present()).toMatchObject({ machine: "never" }), WAIT);
    expect(await ann.query(host.getCommand, { commandId })).toMatchObject({ state: "queued" });
  });
});
