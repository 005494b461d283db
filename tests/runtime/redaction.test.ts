/** A bridge of the app's own, which need know nothing of secrets: what of them is kept. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it, vi } from "vitest";
import { type BridgeConfig, type BridgeHandlers, CodexLocalBridge, type NormalizedEvent } from "../../js-wrapper/bridge/index.js";
import { CodexBridgeError } from "../../js-wrapper/bridge/errors.js";
import { redactMessage } from "../../js-wrapper/core/bridge.js";
import { lookAt } from "../../js-wrapper/cli/outbox-folder.js";
import type { RuntimeBridge } from "../../js-wrapper/runtime/types.js";
import { dump, startComponent } from "../convex/build.js";
import { folder } from "../outbox/build.js";
import { runtimeWith, START, persistenceOver, STAND_IN } from "./build.js";

vi.mock("../../js-wrapper/core/bridge.js", { spy: true });

const WAIT = { timeout: 20_000, interval: 20 };
const KEY = "sk-proj-4fTq8ZxWvYb2Lk9PnRs3Ud7a";
const ID = "019a3b5c-0000-7000-8000-000000000001";

/** A runtime whose bridge is no `CodexLocalBridge`, and what that says. */
async function build(redact?: boolean) {
  const component = startComponent();
  const lines: string[] = [];
  const events: string[] = [];
  let said: BridgeHandlers | undefined;
  const bridgeFactory = (_: BridgeConfig, handlers: BridgeHandlers): RuntimeBridge => {
    said = handlers;
    const answer = (id: unknown) => setImmediate(() => void handlers.onGlobalMessage({ id: id as string, result: { thread: { id: ID } } }, { type: "response" }));
    return { start: () => undefined, stop: () => undefined, send: (message) => ("id" in message && "method" in message ? void answer(message.id) : undefined) };
  };
  const outboxFolder = await folder();
  let isAway = true;
  const real = persistenceOver(component);
  const persistence = { ...real, ingestSafe: (args: Parameters<typeof real.ingestSafe>[0]) => (isAway ? Promise.reject(new TypeError("fetch failed")) : real.ingestSafe(args)) };
  const handlers = { onProtocolError: ({ line }: { line: string }) => void lines.push(line), onEvent: ({ payloadJson }: NormalizedEvent) => void events.push(payloadJson) };
  const { runtime } = runtimeWith(persistence, { outboxFolder, bridgeFactory, handlers, ...(redact === undefined ? {} : { bridge: { redact } }) });
  await runtime.start(START);
  await runtime.ready();
  const event = (n: number, text: string): NormalizedEvent => {
    const item = { id: `i${String(n)}`, type: "agentMessage", text };
    const payloadJson = JSON.stringify({ method: "item/completed", params: { threadId: ID, turnId: "u", item } });
    return { eventId: `r.1:${ID}:u:0:${String(n)}`, threadId: ID, turnId: "u", streamId: `${ID}:u:0`, cursorStart: n, cursorEnd: n + 1, kind: "item/completed", payloadJson, createdAt: Date.now() };
  };
  await said!.onEvent(event(0, `The key is ${KEY}.`));
  await said!.onEventCut?.(event(1, `A cut one: ${KEY}.`));
  await said!.onProtocolError({ line: `no JSON: ${KEY}`, error: new CodexBridgeError("E_BRIDGE_LINE_NOT_UTF8", "a line") });
  await vi.waitFor(() => expect(runtime.backlog()).toMatchObject([{ events: 1 }]), WAIT);
  await vi.waitFor(() => expect(onDisk(outboxFolder)).toContain("A cut one"), WAIT);
  const disk = onDisk(outboxFolder);
  isAway = false;
  await vi.waitFor(async () => expect((await dump(component)).messages).toHaveLength(1), WAIT);
  return { disk, convex: JSON.stringify(await dump(component)), told: [...lines, ...events].join("\n") };
}

const onDisk = (at: string): string => readdirSync(at, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => readFileSync(path.join(entry.parentPath, entry.name), "latin1")).join("\n");

it("is nothing, on the disk, in Convex and in what the app is told", async () => {
  const { disk, convex, told } = await build();
  for (const kept of [disk, convex, told]) {
    expect(kept).not.toContain(KEY);
    expect(kept).toContain("[redacted:");
  }
});

it("is all, where the machine's owner wants that", async () => {
  for (const kept of Object.values(await build(false))) expect(kept).toContain(KEY);
});

it("is not looked for twice where it is made of this package's own", async () => {
  const events: NormalizedEvent[] = [];
  const { runtime } = runtimeWith(persistenceOver(startComponent()), {
    bridge: { codexBin: process.execPath, args: [STAND_IN, "{}"] },
    bridgeFactory: (config, handlers) => new CodexLocalBridge(config, handlers),
    handlers: { onEvent: (event) => void events.push(event) },
  });
  await runtime.start(START);
  await runtime.ready();
  runtime.sendTurn("Hello.");
  await vi.waitFor(() => expect(events.at(-1)?.kind).toBe("turn/completed"), WAIT);
  const looked = vi.mocked(redactMessage).mock.calls.filter(([line]) => line.includes('"turn/completed"'));
  expect(looked).toHaveLength(1);
});

const TOKEN = "cdxd_90fbc1f780b491194633b24f7c38c6d32dde490cec7c187c9032b887eb7f0fba";
const CONVEX = "[CONVEX M(chat:ingestBatch)] [Request ID: cc3d7fb9f03a4a52] Server Error";
it.each([
  // SOURCE: Convex, a development deployment. A credential of an app's own has no shape that is known.
  ["arguments that a function does not take", "an app's own credential", (secret: string) => `ArgumentValidationError: Object contains extra field \`x\` that is not in the validator.\n\nObject: {"deltas": ["private"], "deviceToken": "${secret}"}\nValidator: v.object({})\n\n  Called by client`],
  ["a value that a function does not take", "an app's own credential", (secret: string) => `ArgumentValidationError: Value does not match validator.\nPath: .deltas[0]\nValue: {"private": "${secret}"}\nValidator: v.string()\n\n  Called by client`],
  ["a function that fails", TOKEN, (secret: string) => `ArgumentValidationError: Uncaught Error: ${secret} is no good`],
])("is nothing of the credential, or of what was sent, in what Convex says of %s", async (_what, secret, words) => {
  const problems: unknown[] = [];
  const states: unknown[] = [];
  const outboxFolder = await folder();
  const persistence = { ...persistenceOver(startComponent()), ingestSafe: () => Promise.reject(new Error(`${CONVEX}\n${words(secret)}`)) };
  const handlers = { onProtocolError: (problem: unknown) => void problems.push(problem), onState: (state: unknown) => void states.push(state) };
  const { runtime } = runtimeWith(persistence, { outboxFolder, handlers });
  await runtime.start(START);
  await runtime.ready();
  await vi.waitFor(() => expect(problems).toContainEqual(expect.objectContaining({ code: "E_OUTBOX_EVENT_REFUSED" })), WAIT);
  await runtime.stop();
  const { letters } = await lookAt(outboxFolder);
  for (const kept of [onDisk(outboxFolder), JSON.stringify(problems), JSON.stringify(states), JSON.stringify(letters)]) {
    expect(kept).toContain("ArgumentValidationError");
    for (const hidden of [secret, "private"]) expect(kept).not.toContain(hidden);
  }
});
