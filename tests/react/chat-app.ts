/** An app of a signed-in user on the real component, with a machine whose codex is played. */
import { act } from "@testing-library/react";
import type { ApiFromModules, FunctionArgs, UserIdentity } from "convex/server";
import { anyApi, makeFunctionReference } from "convex/server";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { defineCodexHost, resolveActorFromAuth } from "../../js-wrapper/host/convex.js";
import { codexLocal, startApp } from "../convex/app.js";
import { Loopback } from "./loopback-convex.js";

const chat = defineCodexHost(codexLocal, { actor: resolveActorFromAuth });
export const api = anyApi as unknown as ApiFromModules<{ chat: typeof chat }>;

export const THREAD = "th_1";
export const TURN = "turn_1";
export const SESSION = "session_1";
const ANN = { subject: "ann", issuer: "https://id.test", tokenIdentifier: "https://id.test|ann", sid: "phone" } satisfies Partial<UserIdentity>;
const RUNTIME = { runtimeId: "runtime_1", generation: 1 };

/** The deployment with its user's machine, which has the thread. */
export async function startChat(threadId = THREAD) {
  const deployment = startApp({ chat });
  const signedIn = deployment.withIdentity(ANN);
  const loopback = new Loopback({
    query: (name, args) => signedIn.query(makeFunctionReference<"query">(name), args),
    mutation: (name, args) => signedIn.mutation(makeFunctionReference<"mutation">(name), args),
  });
  /** The same calls, each in its turn with those of the sockets. */
  type Call = (...args: unknown[]) => Promise<unknown>;
  const inTurn = <Caller extends Pick<typeof deployment, "query" | "mutation">>(caller: Caller) => {
    const turn = (call: unknown) => (...args: unknown[]) => loopback.inTurn(() => (call as Call)(...args));
    return { query: turn(caller.query), mutation: turn(caller.mutation) } as unknown as Pick<Caller, "query" | "mutation">;
  };
  const [app, ann] = [inTurn(deployment), inTurn(signedIn)];
  const { token: deviceToken } = await ann.mutation(api.chat.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
  const bridge = { deviceToken };
  await app.mutation(api.chat.ensureThread, { ...bridge, threadId });
  await app.mutation(api.chat.ensureSession, { ...bridge, sessionId: SESSION, threadId, ...RUNTIME });
  let cursor = 0;
  /** What the page is told arrives. */
  const settle = async () => {
    for (let i = 0; i < 8; i += 1) {
      await act(async () => {
        await loopback.refresh();
        await new Promise((resolve) => setTimeout(resolve, 0));
      });
    }
  };
  return {
    app,
    ann,
    loopback,
    bridge,
    /** The machine tells of itself. */
    beat: (told: Partial<FunctionArgs<typeof api.chat.beatPresence>> = {}) =>
      app.mutation(api.chat.beatPresence, { ...bridge, ...RUNTIME, phase: "ready", login: "in", threads: [], ...told }),
    /** The machine takes what it is to do. */
    lease: (limit = 10) => app.mutation(api.chat.leaseCommands, { ...bridge, ...RUNTIME, threadId, limit }),
    report: ({ commandId, leaseToken }: { commandId: string; leaseToken: string }, state: Reported["state"], told: Partial<Reported> = {}) =>
      app.mutation(api.chat.reportCommand, { ...bridge, commandId, leaseToken, state, ...told }),
    /** Codex says something of its turn. */
    say: (kind: string, params: object, turnId = TURN, extra: object = {}) => {
      const cursorStart = cursor++;
      const payloadJson = JSON.stringify({ method: kind, params: { threadId, turnId, ...params }, ...extra });
      const streamId = `${threadId}:${turnId}:0`;
      const event = { type: "stream_delta" as const, eventId: `e${String(cursorStart)}`, turnId, streamId, kind, payloadJson, createdAt: 1 };
      return app.mutation(api.chat.ingestBatch, {
        ...bridge,
        sessionId: SESSION,
        threadId,
        deltas: [{ ...event, cursorStart, cursorEnd: cursorStart + 1 }],
      });
    },
    /** Codex asks something. */
    ask: (method: string, params: object, requestId: string | number = 0, turnId = TURN, itemId = "item_1") =>
      app.mutation(api.chat.upsertPendingServerRequestForHooks, {
        ...bridge,
        ...{ requestId, threadId, turnId, itemId, method, requestedAt: 1, ...RUNTIME, appGeneration: 1 },
        payloadJson: JSON.stringify({ method, id: requestId, params: { threadId, turnId, itemId, ...params } }),
      }),
    settle,
    /** Somebody does something in the page, and what comes of it arrives. */
    does: async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
      const answer = await act(call);
      await settle();
      return answer;
    },
  };
}

type Reported = FunctionArgs<typeof api.chat.reportCommand>;
export type ChatApp = Awaited<ReturnType<typeof startChat>>;
