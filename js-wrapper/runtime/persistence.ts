/// <reference lib="es2024.string" />
/** What the runtime keeps in Convex, over a Convex client and the functions that `defineCodexHost` gives for bridges. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ApiFromModules, FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";
import type { bridgeFunctions } from "../host/bridge-functions.js";
import type { HostActorContext, HostSyncRuntimeOptions } from "../host/validators.js";
import { SYSTEM_CLOCK, type Clock } from "../clock.js";
import type { Credential } from "./ownership.js";
import { followByAsking, followBySubscribing } from "./following.js";

/** The bridge's functions of `defineCodexHost`, by the names that it gives them: the generated api of the app's file fits it. */
export type CodexBridgeApi = ApiFromModules<{ bridge: ReturnType<typeof bridgeFunctions> }>["bridge"];

/** A Convex client: `ConvexClient`, or `ConvexHttpClient`, which has no subscriptions. */
export interface CodexBridgeClient {
  query<Query extends FunctionReference<"query">>(query: Query, args: FunctionArgs<Query>): Promise<Awaited<FunctionReturnType<Query>>>;
  mutation<Mutation extends FunctionReference<"mutation">>(
    mutation: Mutation,
    args: FunctionArgs<Mutation>,
  ): Promise<Awaited<FunctionReturnType<Mutation>>>;
  onUpdate?<Query extends FunctionReference<"query">>(
    query: Query,
    args: FunctionArgs<Query>,
    onAnswer: (answer: FunctionReturnType<Query>) => unknown,
    onError: (error: Error) => unknown,
  ): () => void;
  /** How the connection stands, where the client has one. */
  connectionState?(): ConnectionState;
  /** Tells of every change of it. @returns what ends that */
  subscribeToConnectionState?(listener: (state: ConnectionState) => void): () => void;
}

interface ConnectionState {
  readonly isWebSocketConnected: boolean;
  readonly hasEverConnected?: boolean;
  readonly connectionRetries?: number;
}

/** What the bridge says beside what it is about. */
export interface CodexPersistenceOptions {
  /**
   * The machine's credential, as `issueDeviceToken` gave it, or what gives it at each call; left out where the app's own `bridge`
   * check takes another.
   */
  deviceToken?: string | (() => string | undefined) | undefined;
  /** What went wrong where nobody waits for an answer: a subscription that failed. It goes on. */
  onError?: ((thrown: unknown) => void) | undefined;
  clock?: Clock | undefined;
}

type Api = CodexBridgeApi;
type Args<Name extends keyof Api> = Omit<FunctionArgs<Api[Name]>, "deviceToken">;
type Answer<Name extends keyof Api> = FunctionReturnType<Api[Name]>;
/** Each function takes an actor for the seed's sake. Whose the call is, the server knows by the credential. */
type Anyones<Fields> = Fields & { actor?: HostActorContext };

/** A thread's commands that are not at their end, newest first, without what they say. */
export type FollowedCommands = Answer<"listOpenCommandsForBridge">;
export type LeasedCommand = Answer<"leaseCommands">[number];
export type CommandReport = Args<"reportCommand">;
export type Beat = Args<"beatPresence">;
/** A request of the app-server, as it is stored. */
export type PersistedRequest = Args<"upsertPendingServerRequestForHooks">;

/** What {@link createConvexPersistence} gives: the six callbacks of a runtime, and what remote control takes. */
export interface CodexPersistence {
  /**
   * The thread of the app's own id, else the one that is named as the app-server names it, else a new one.
   *
   * `parentThreadId` is the thread in Convex whose agent it is, set where it has none.
   *
   * @returns `created` is known of a thread with an id of the app's alone; of every other one it is false
   */
  ensureThread: (
    args: Anyones<{
      externalThreadId?: string | undefined;
      localThreadId?: string | undefined;
      model?: string | undefined;
      cwd?: string | undefined;
      parentThreadId?: string | undefined;
    }>,
  ) => Promise<Answer<"resolveThread">>;
  /** Whose the credential is, by a name that the runtime alone has for them; undefined where the app does not say. Writes nothing. */
  owner: (args: { runtimeId: string }) => Promise<string | undefined>;
  /** The credential of a call that is made now: a user may have signed out, and another one in, by the time that it is. */
  credential: () => Credential;
  /** Puts a thread that {@link ensureThread} knows by the same names under its parent. */
  linkThread: (args: Anyones<{ externalThreadId?: string | undefined; localThreadId: string; parentThreadId: string }>) => Promise<void>;
  /** `runtimeId` and `generation` bind the thread to this start of this runtime, which alone may lease its commands. */
  ensureSession: (args: Anyones<Args<"ensureSession"> & { lastEventCursor?: number }>) => Promise<Answer<"ensureSession">>;
  /**
   * What is kept of the events is the server's choice (`ingest` of `defineCodexHost`): `runtime` is not sent. It may be called again and
   * again with the same events: while a call is on its way, it is the one that all of them wait for, and while the connection is down they
   * are rejected at once. For a client keeps what it cannot send, and sends every copy of it later.
   */
  ingestSafe: (args: Anyones<Args<"ingestBatch"> & { runtime?: HostSyncRuntimeOptions }>) => Promise<Answer<"ingestBatch">>;
  /**
   * Calls whenever the connection is there again, where the client says how it stands: what was not taken may be sent at once.
   *
   * @returns what ends it
   */
  onConnected: (call: () => void) => () => void;
  /** Whether the connection is known to be down: what is kept elsewhere need not be sent. */
  isDown: () => boolean;
  upsertPendingServerRequest: (args: Anyones<{ request: PersistedRequest }>) => Promise<void>;
  resolvePendingServerRequest: (args: Anyones<Args<"resolvePendingServerRequestForHooks">>) => Promise<void>;
  listPendingServerRequests: (args: Anyones<Args<"listPendingServerRequestsForBridge">>) => Promise<Answer<"listPendingServerRequestsForBridge">>;
  /** Refreshes a session; it makes none. */
  heartbeat: (args: Anyones<Args<"heartbeat">>) => Promise<void>;
  /** Copies a thread's turns and messages into the new one of `thread/fork`, before that one's events come. */
  forkThread: (args: Anyones<Args<"forkThread">>) => Promise<Answer<"forkThread">>;
  /** Takes a thread back to a turn, the last that stays; with null none does. */
  revertThread: (args: Anyones<Args<"revertThreadForBridge">>) => Promise<Answer<"revertThreadForBridge">>;
  /** Brings a page of a thread's history into Convex. @returns how far the import is, and so where the next page begins */
  importHistory: (args: Anyones<Args<"importHistory">>) => Promise<Answer<"importHistory">>;
  /** How far a thread's import is; null where none was begun. */
  getImportStatus: (args: Anyones<Args<"getImportStatusForBridge">>) => Promise<Answer<"getImportStatusForBridge">>;
  /** The commands that are to be done next in a thread, each with the token of its lease. */
  leaseCommands: (args: Args<"leaseCommands">) => Promise<LeasedCommand[]>;
  /** What became of a command. */
  reportCommand: (report: CommandReport) => Promise<void>;
  /** What the runtime does. */
  beat: (beat: Beat) => Promise<Answer<"beatPresence">>;
  /**
   * Tells of the open commands of threads, now and whenever they change: by subscription, or where the client has none by asking
   * every 5 s. `undefined` says that they are not known, for the subscription failed; it is made anew.
   *
   * @returns what ends it
   */
  followCommands: (threadIds: readonly string[], listener: (threadId: string, commands: FollowedCommands | undefined) => void) => () => void;
}

/**
 * Makes a runtime's persistence of the functions that an app exports for its bridges.
 *
 * @param client a connected Convex client; on Node 22 one with `webSocketConstructor` of `ws`: Node's own tells of no end of a
 *   connection that failed, and the client would never try again
 * @param api the generated api of the file that exports the bridge's functions of `defineCodexHost`, by their own names
 * @param options the machine's credential
 * @returns the callbacks. Each rejects with what the function threw; none tries again, and what the client keeps while it is away
 *   arrives when it is back
 * @example
 * ```ts
 * const client = new ConvexClient(process.env.CONVEX_URL!);
 * const persistence = createConvexPersistence(client, api.chat, { deviceToken: process.env.CODEX_DEVICE_TOKEN! });
 * ```
 */
export function createConvexPersistence(client: CodexBridgeClient, api: CodexBridgeApi, options: CodexPersistenceOptions = {}): CodexPersistence {
  const { deviceToken, onError = () => undefined, clock = SYSTEM_CLOCK } = options;
  const tokenNow = () => (typeof deviceToken === "function" ? deviceToken() : deviceToken);
  /** What a call goes with that is made as {@link Credential.use} does, also where it waits for something first. */
  const used = new AsyncLocalStorage<Pick<Credential, "token">>();
  const withToken = <Fields extends object>(fields: Fields, token: string | undefined) => ({ ...sendable(fields), ...(token === undefined ? {} : { deviceToken: token }) });
  const mine = <Fields extends object>(fields: Fields) => withToken(fields, (used.getStore() ?? { token: tokenNow() }).token);
  const ensureThread: CodexPersistence["ensureThread"] = async ({ externalThreadId, localThreadId, model, cwd, parentThreadId }) => {
    const fields = { model, cwd, parentThreadId };
    if (externalThreadId !== undefined || localThreadId === undefined) {
      return await client.mutation(api.resolveThread, mine({ externalThreadId, localThreadId, ...fields }));
    }
    const { threadId } = await client.mutation(api.ensureThread, mine({ threadId: localThreadId, ...fields }));
    return { threadId, created: false };
  };
  const onTheWay = new Map<string, Promise<Answer<"ingestBatch">>>();
  const ingestSafe: CodexPersistence["ingestSafe"] = async ({ sessionId, threadId, deltas }) => {
    if (isDown(client)) throw new Error(DOWN);
    const batch = JSON.stringify([sessionId, threadId, deltas.length, deltas[0]?.eventId, deltas.at(-1)?.eventId]);
    let call = onTheWay.get(batch);
    if (call === undefined) {
      call = client.mutation(api.ingestBatch, mine({ sessionId, threadId, deltas })).finally(() => onTheWay.delete(batch));
      onTheWay.set(batch, call);
    }
    return await call;
  };
  return {
    ensureThread,
    owner: async ({ runtimeId }) => (await client.mutation(api.ensureSession, mine({ sessionId: runtimeId, threadId: "", runtimeId }))).owner,
    credential: () => {
      const token = tokenNow();
      return { token, use: (call) => used.run({ token }, call) };
    },
    linkThread: async (args) => {
      await ensureThread(args);
    },
    ensureSession: ({ sessionId, threadId, runtimeId, generation }) =>
      client.mutation(api.ensureSession, mine({ sessionId, threadId, runtimeId, generation })),
    ingestSafe,
    onConnected: (call) => {
      let wasConnected = client.connectionState?.().isWebSocketConnected ?? false;
      const onState = ({ isWebSocketConnected }: ConnectionState) => {
        const isBack = isWebSocketConnected && !wasConnected;
        wasConnected = isWebSocketConnected;
        if (isBack) call();
      };
      return client.subscribeToConnectionState?.(onState) ?? (() => undefined);
    },
    isDown: () => isDown(client),
    upsertPendingServerRequest: async ({ request }) => {
      await client.mutation(api.upsertPendingServerRequestForHooks, mine(request));
    },
    resolvePendingServerRequest: async ({ actor: _, ...resolved }) => {
      await client.mutation(api.resolvePendingServerRequestForHooks, mine(resolved));
    },
    listPendingServerRequests: ({ threadId, limit }) => client.query(api.listPendingServerRequestsForBridge, mine({ threadId, limit })),
    heartbeat: async ({ actor: _, ...session }) => {
      await client.mutation(api.heartbeat, mine(session));
    },
    forkThread: ({ actor: _, ...fork }) => client.mutation(api.forkThread, mine(fork)),
    revertThread: ({ threadId, turnId }) => client.mutation(api.revertThreadForBridge, mine({ threadId, turnId })),
    importHistory: ({ actor: _, ...page }) => client.mutation(api.importHistory, mine(page)),
    getImportStatus: ({ threadId }) => client.query(api.getImportStatusForBridge, mine({ threadId })),
    leaseCommands: (lease) => client.mutation(api.leaseCommands, mine(lease)),
    reportCommand: async (report) => {
      await client.mutation(api.reportCommand, mine(report));
    },
    beat: (beat) => client.mutation(api.beatPresence, mine(beat)),
    followCommands: (threadIds, listener) => {
      // It is made anew out of whatever call it is that a connection began with.
      const asked = (threadId: string) => withToken({ threadId }, tokenNow());
      const ends = threadIds.map((threadId) => {
        const onAnswer = (commands: FollowedCommands) => listener(threadId, commands);
        if (client.onUpdate === undefined) return followByAsking(clock, () => client.query(api.listOpenCommandsForBridge, asked(threadId)), { onAnswer, onError });
        const subscribe = client.onUpdate.bind(client);
        return followBySubscribing<FollowedCommands>(clock, (...told) => subscribe(api.listOpenCommandsForBridge, asked(threadId), ...told), {
          onAnswer,
          onError: (thrown) => {
            onError(thrown);
            listener(threadId, undefined);
          },
        });
      });
      return () => ends.forEach((end) => end());
    },
  };
}

/** What is said of events while it is so. */
export const DOWN = "the connection to Convex is down";

/** Whether a client's connection is known to be down. One that is made for the first time is waited for; a client of HTTP has none. */
function isDown(client: CodexBridgeClient): boolean {
  const state = client.connectionState?.();
  if (state === undefined || state.isWebSocketConnected) return false;
  const { hasEverConnected = true, connectionRetries = 0 } = state;
  return hasEverConnected || connectionRetries > 0;
}

/** Its own fields, though each may be left out: so Convex takes `undefined` from a caller, and so it is left out here. */
type Sendable<Fields> = { [Name in keyof Fields]: Exclude<Fields[Name], undefined> };

/** Without fields that have no value, and with every text well-formed: the backend drops the connection of a client that sends another. */
function sendable<Fields extends object>(fields: Fields): Sendable<Fields> {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, typeof value === "string" ? value.toWellFormed() : (value as unknown)])) as Sendable<Fields>;
}
