/** The real clients of Convex, joined to an app in this process: only the network between them is not there. */
import { ConvexClient } from "convex/browser";
import { ConvexReactClient } from "convex/react";
import { ConvexError, convexToJson, jsonToConvex, type Value } from "convex/values";

/** What answers calls, by the name of the function. */
export interface LoopbackApp {
  query(name: string, args: Record<string, unknown>): unknown;
  mutation(name: string, args: Record<string, unknown>): unknown;
}

type Json = ReturnType<typeof convexToJson>;
type Message =
  | { type: "ModifyQuerySet"; newVersion: number; modifications: Modification[] }
  | { type: "Mutation"; requestId: number; udfPath: string; args: Json[] }
  | { type: "Connect" | "Authenticate" | "Event" };
type Modification = { type: "Add"; queryId: number; udfPath: string; args: Json[] } | { type: "Remove"; queryId: number };

/** A deployment whose sockets are in memory. Each client is a tab of its own. */
export class Loopback {
  readonly #app: LoopbackApp;
  readonly #sockets = new Set<LoopbackSocket>();
  readonly #clients = new Set<{ close(): Promise<void> }>();
  /** Mutations that arrived, in order. */
  readonly mutations: { name: string; args: Record<string, unknown> }[] = [];
  /** Mutations wait here while it is set, as on a slow network. */
  held: (() => void)[] | undefined;
  /** While the network is gone, what is sent is lost and no connection is made; those that there are stand until somebody notices. */
  isGone = false;
  #ts = 0;
  /** One thing after another, as a deployment has them. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(app: LoopbackApp) {
    this.#app = app;
  }

  /** Opens a tab. */
  connect(): ConvexReactClient {
    return this.#keep(new ConvexReactClient(ADDRESS, this.#options()));
  }

  /** Connects a program. */
  connectProgram(): ConvexClient {
    return this.#keep(new ConvexClient(ADDRESS, this.#options()));
  }

  #keep<Client extends { close(): Promise<void> }>(client: Client): Client {
    this.#clients.add(client);
    return client;
  }

  #options() {
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const loopback = this;
    class Socket extends LoopbackSocket {
      constructor() {
        super((socket, message) => loopback.#receive(socket, message), () => loopback.isGone);
        loopback.#sockets.add(this);
      }
    }
    return { webSocketConstructor: Socket as unknown as typeof WebSocket, logger: false, unsavedChangesWarning: false } as const;
  }

  /** Runs every query anew: what the machine's side did is seen. */
  async refresh(): Promise<void> {
    await this.#next(() => this.#updateAll());
  }

  /** Lets mutations through that were held. */
  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const go of held) go();
  }

  async close(): Promise<void> {
    this.#sockets.clear();
    await Promise.all([...this.#clients].map((client) => client.close()));
  }

  async #receive(socket: LoopbackSocket, message: Message): Promise<void> {
    if (message.type === "ModifyQuerySet") {
      await this.#next(async () => {
        for (const one of message.modifications) {
          if (one.type === "Add") socket.queries.set(one.queryId, { name: one.udfPath, args: argsOf(one.args) });
          else socket.queries.delete(one.queryId);
        }
        await this.#update(socket, message.newVersion);
      });
    }
    if (message.type !== "Mutation") return;
    const { requestId, udfPath } = message;
    const [name, args] = [udfPath.replace(/\.js:/, ":"), argsOf(message.args)];
    this.mutations.push({ name, args });
    if (this.held !== undefined) await new Promise<void>((resolve) => this.held?.push(resolve));
    await this.#next(async () => {
      const { value, error, data } = await attempt(() => this.#app.mutation(name, args));
      this.#ts += 1;
      const answer = error === undefined ? { success: true, result: value, ts: encodeTs(this.#ts) } : { success: false, result: error, ...data };
      socket.deliver({ type: "MutationResponse", requestId, logLines: [], ...answer });
      await this.#updateAll();
    });
  }

  /** Does something beside the sockets, in its turn: two transactions at once would see each other. */
  async inTurn<Answer>(task: () => Promise<Answer>): Promise<Answer> {
    return await this.#next(task);
  }

  async #next<Answer>(task: () => Promise<Answer>): Promise<Answer> {
    const done = this.#turn.then(task);
    this.#turn = done.catch(() => undefined);
    return await done;
  }

  async #updateAll(): Promise<void> {
    for (const socket of this.#sockets) await this.#update(socket, socket.querySet);
  }

  async #update(socket: LoopbackSocket, querySet: number): Promise<void> {
    if (querySet === 0 || socket.readyState !== 1) return;
    const modifications = [];
    for (const [queryId, query] of [...socket.queries]) {
      const { value, error, data } = await attempt(() => this.#app.query(query.name.replace(/\.js:/, ":"), query.args));
      const content = JSON.stringify([value, error, data]);
      if (query.content === content || socket.queries.get(queryId) !== query) continue;
      query.content = content;
      const logLines: string[] = [];
      modifications.push(
        error === undefined
          ? { type: "QueryUpdated", queryId, value, logLines, journal: null }
          : { type: "QueryFailed", queryId, errorMessage: error, logLines, journal: null, ...data },
      );
    }
    this.#ts += 1;
    const [startVersion, endVersion] = [socket.version, { querySet, identity: 0, ts: encodeTs(this.#ts) }];
    socket.version = endVersion;
    socket.querySet = querySet;
    socket.deliver({ type: "Transition", startVersion, endVersion, modifications });
  }
}

const ADDRESS = "https://loopback.invalid";

interface Subscribed {
  name: string;
  args: Record<string, unknown>;
  content?: string;
}

class LoopbackSocket {
  readonly queries = new Map<number, Subscribed>();
  querySet = 0;
  version: object = { querySet: 0, identity: 0, ts: encodeTs(0) };
  readyState = 0;
  bufferedAmount = 0;
  onopen: (() => void) | undefined;
  onmessage: ((message: { data: string }) => void) | undefined;
  onclose: ((event: object) => void) | undefined;
  onerror: (() => void) | undefined;
  readonly #receive: (socket: LoopbackSocket, message: Message) => Promise<void>;
  readonly #isGone: () => boolean;
  constructor(receive: (socket: LoopbackSocket, message: Message) => Promise<void>, isGone: () => boolean) {
    this.#receive = receive;
    this.#isGone = isGone;
    queueMicrotask(() => {
      if (isGone()) {
        this.close();
        return;
      }
      this.readyState = 1;
      this.onopen?.();
    });
  }

  send(text: string): void {
    if (!this.#isGone()) void this.#receive(this, JSON.parse(text) as Message);
  }

  deliver(message: object): void {
    if (this.readyState === 1 && !this.#isGone()) this.onmessage?.({ data: JSON.stringify(message) });
  }

  close(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1000, reason: "closed" });
  }
}

async function attempt(call: () => unknown): Promise<{ value?: Json; error?: string; data?: { errorData?: Json } }> {
  try {
    return { value: convexToJson(((await call()) ?? null) as Value) };
  } catch (thrown) {
    const data = thrown instanceof ConvexError ? (thrown.data as Value | string) : undefined;
    // convex-test hands the data of an error over as text.
    const errorData = typeof data === "string" && data.startsWith("{") ? (JSON.parse(data) as Json) : data;
    return { error: String(thrown), ...(errorData !== undefined && { data: { errorData: convexToJson(errorData) } }) };
  }
}

function argsOf([args]: Json[]): Record<string, unknown> {
  return jsonToConvex(args ?? {}) as Record<string, unknown>;
}

function encodeTs(ts: number): string {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, ts, true);
  return btoa(String.fromCharCode(...bytes));
}
