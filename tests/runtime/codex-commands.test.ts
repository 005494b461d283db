/** A command from afar on its way to what codex asks, beside a Convex and a codex that do what the test says. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { createCommandActions } from "../../js-wrapper/runtime/codex-commands.js";
import { CommandDelivery } from "../../js-wrapper/runtime/command-delivery.js";
import type { CommandReport } from "../../js-wrapper/runtime/persistence.js";
import { ServerRequests } from "../../js-wrapper/runtime/server-requests.js";
import { LoadedThreads } from "../../js-wrapper/runtime/threads.js";
import { ManualClock } from "./manual-clock.js";

const COMMAND = { method: "item/commandExecution/requestApproval", params: { threadId: "t", turnId: "u", itemId: "i", command: "ls" } };
const QUESTION = { method: "item/tool/requestUserInput", params: { threadId: "t", turnId: "u", itemId: "i", questions: [] } };
const OTHER = { ...COMMAND, params: { ...COMMAND.params, command: "rm -r ." } };
const YES = { decision: "accept" };
const WORDS = { answer: { answers: {} } };

type Kind = "decide" | "answer";
type Asked = { method: string; params: object };

/** @param meanwhile what codex, started anew, asks by the same id while Convex is told that the command is delivered */
async function delivered(kind: Kind, asks: Asked, says: object, meanwhile?: Asked) {
  const sent: unknown[] = [];
  const reports: CommandReport[] = [];
  const nothing = () => undefined;
  const requests = new ServerRequests({ send: (message) => void sent.push(message), opened: nothing, closed: nothing, refused: nothing, now: () => 1 }, "refused");
  const ask = (asked: Asked) => requests.asked({ id: 0, ...asked }, { threadId: "t" });
  const named = () => requests.get(0);
  const none = () => Promise.reject(new Error("not asked for"));
  const codex = { client: { requestUntyped: none }, threads: new LoadedThreads(), requests, ready: none, stop: none, request: named, isRedacted: () => false };
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const delivery = new CommandDelivery({
    persistence: {
      reportCommand: async (report: CommandReport) => {
        reports.push(report);
        if (report.state !== "delivered" || meanwhile === undefined) return;
        requests.processEnded();
        ask(meanwhile);
      },
    },
    journal: { delivered: async () => undefined, settled: async () => undefined, open: async () => [] },
    machine: {
      policyJson: () => "{}",
      settings: () => ({ started: { cwd: "/w", sandboxPolicy: { type: "readOnly" }, approvalPolicy: "on-request" } }),
      request: () => {
        const request = named();
        return request === undefined ? null : { request, payloadSha256: sha256(request.payloadJson), isRedacted: false };
      },
    },
    actions: createCommandActions(codex),
    findEcho: none,
    onTaken: nothing,
    onError: (thrown) => expect(thrown).toBeUndefined(),
    clock: new ManualClock(),
    signal: new AbortController().signal,
  });
  ask(asks);
  const payload = { requestId: 0, shownSha256: sha256(named()!.payloadJson), ...says };
  await delivery.deliver("in Convex", { commandId: "c", kind, payloadJson: JSON.stringify(payload), leaseToken: "l", leaseExpiresAt: 1, lapses: 0 });
  return { sent, fates: reports.map(({ state, code }) => [state, code]), waiting: requests.list().map(({ method, params }) => ({ method, params })) };
}

test.each<[Kind, Asked, object]>([
  ["decide", COMMAND, YES],
  ["answer", QUESTION, WORDS],
])("%s: what was claimed gets its answer", async (kind, asks, says) => {
  expect(await delivered(kind, asks, says)).toEqual({ sent: [{ id: 0, result: kind === "decide" ? says : WORDS.answer }], fates: [["delivered", undefined], ["accepted", undefined]], waiting: [] });
});

test.each<[Kind, Asked, object, Asked]>([
  ["decide", COMMAND, YES, OTHER],
  ["decide", COMMAND, YES, COMMAND],
  ["decide", COMMAND, YES, QUESTION],
  ["answer", QUESTION, WORDS, QUESTION],
  ["answer", QUESTION, WORDS, OTHER],
])("%s: what a codex that was started anew asks by the same id does not get the answer to what waited before", async (kind, asks, says, meanwhile) => {
  expect(await delivered(kind, asks, says, meanwhile)).toEqual({ sent: [], fates: [["delivered", undefined], ["refused", "E_REQUEST_NOT_PENDING"]], waiting: [meanwhile] });
});
