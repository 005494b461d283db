/** A user's machine over an app as its developer has it, and the user's phone. */
import { anyApi, type ApiFromModules, type FunctionReference, type UserIdentity } from "convex/server";
import { expect, onTestFinished, vi } from "vitest";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { defineCodexHost, resolveActorFromAuth } from "../../js-wrapper/host/convex.js";
import { createConvexPersistence, type CodexBridgeClient, type StartArgs } from "../../js-wrapper/runtime/index.js";
import { codexLocal, startApp, type App } from "../convex/app.js";
import { folder } from "../outbox/build.js";
import { runtimeWith, START } from "./build.js";

const ANN = { subject: "ann", issuer: "https://id.test", tokenIdentifier: "https://id.test|ann", sid: "phone" } satisfies Partial<UserIdentity>;
export const WAIT = { timeout: 30_000, interval: 20 };
const WATCH_MS = 20;

export const chat = defineCodexHost(codexLocal, { actor: resolveActorFromAuth });
export const host = anyApi["chat"] as unknown as ApiFromModules<{ chat: typeof chat }>["chat"];

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

type Options = NonNullable<Parameters<typeof runtimeWith>[1]>;

/** Ann's machine, started, and her phone. @param functions what the app exports */
export async function startMachine(options: Options = {}, args: Partial<StartArgs> = {}, functions: object = chat) {
  const app = startApp({ chat: functions });
  const ann = app.withIdentity(ANN);
  const { token: deviceToken } = await ann.mutation(host.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
  const outboxFolder = await folder();
  const made = runtimeWith(createConvexPersistence(clientOf(app), host, { deviceToken }), { outboxFolder, ...options });
  await made.runtime.start({ ...START, ...args });
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

export const said = (text: string) => ({ input: [{ type: "text", text }] });
