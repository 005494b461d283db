// The sync protocol that ConvexReactClient and ConvexClient speak, as far as they need it.
// Writes do not queue work: a client that is behind gets one transition for all the writes it missed, and a query runs again only
// when a table that it read was written, once for all clients.
import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { convexToJson, jsonToConvex } from "convex/values";
import { assertWellFormedJson } from "./text.mjs";

/** The longest pause between two transitions of a client. */
const PAUSE_MAX_MS = 100;
const PING_EVERY_MS = 15_000;
const CACHED_RESULTS_MAX = 1000;
/** Answers kept by session, so that a request sent again after a reconnect is not done again. */
const ANSWERS_KEPT_MAX = 1000;
const SESSIONS_KEPT_MAX = 100;
const CONVEX_ERROR = Symbol.for("ConvexError");

/** Runs app functions for clients: public ones only, results and errors as they go over the wire. */
export class PublicFunctions {
  #backend;
  #identity;

  /** @param {Backend} backend @param {object} [identity] who every client is; nobody where it is not given */
  constructor(backend, identity) {
    this.#backend = backend;
    this.#identity = identity;
  }

  /** @returns {Promise<{ok: boolean, value?: any, error?: string, data?: any, tables: Set<string>}>} */
  async run(udfPath, args, udfTypes) {
    const path = normalizePath(udfPath);
    const fn = this.#backend.describe(path);
    const failed = (error) => ({ ok: false, error, tables: new Set() });
    if (fn?.visibility?.kind !== "public") {
      return failed(`Could not find public function for '${path}'. Did you forget to run \`npx convex dev\` or \`npx convex deploy\`?`);
    }
    if (!udfTypes.includes(fn.udfType)) {
      return failed(`Trying to execute ${path} as ${udfTypes.join("/")}, but it is defined as ${fn.udfType}.`);
    }
    const { ok, value, error, calls } = await this.#backend.run(path, jsonToConvex(args ?? {}), this.#identity);
    const tables = new Set(calls.flatMap(({ tablesRead }) => [...tablesRead]));
    if (ok) return { ok, value: convexToJson(value ?? null), tables };
    if (error && typeof error === "object" && CONVEX_ERROR in error) {
      return { ok, error: "Uncaught ConvexError", data: convexToJson(error.data ?? null), tables };
    }
    return { ok, error: `Uncaught Error: ${error?.message ?? error}`, tables };
  }
}

const normalizePath = (path) => {
  const [module, name = "default"] = path.replace(/\.js(?=:|$)/, "").split(":");
  return `${module}:${name}`;
};

/** The results of queries and the clock that says which of them are still good. */
class QueryResults {
  ts = 1n;
  #tableTs = new Map();
  #cache = new Map();

  constructor(functions) {
    this.functions = functions;
  }

  wrote(tables) {
    this.ts += 1n;
    for (const table of tables) this.#tableTs.set(table, this.ts);
  }

  /** The result of a query as of now, from the cache while nothing it read was written. */
  get({ udfPath, args }) {
    const key = JSON.stringify([udfPath, args]);
    const hit = this.#cache.get(key);
    if (hit && this.#fresh(hit)) return hit.result;
    if (this.#cache.size >= CACHED_RESULTS_MAX) this.#cache.clear();
    const entry = { ts: this.ts, tables: undefined };
    entry.result = this.functions.run(udfPath, args[0], ["Query"]).then((result) => {
      entry.tables = result.tables;
      return { ...result, wire: JSON.stringify([result.ok, result.value, result.error, result.data]) };
    });
    this.#cache.set(key, entry);
    return entry.result;
  }

  #fresh(entry) {
    // Until it has run, nobody knows what it reads: it is shared only while nothing at all was written since it began.
    if (!entry.tables) return entry.ts === this.ts;
    for (const table of entry.tables) if ((this.#tableTs.get(table) ?? 0n) > entry.ts) return false;
    return true;
  }
}

/** All clients of one backend. */
export class SyncServer {
  #clients = new Set();
  #sessions = new Map();

  constructor(backend, functions) {
    this.functions = functions;
    this.results = new QueryResults(functions);
    /** How many transitions went out, and how many writes there were: the first stays behind the second in a burst. */
    this.stats = { transitions: 0, writes: 0 };
    // A write is heard of inside its transaction; a query started there would run as a part of it.
    const outside = AsyncLocalStorage.snapshot();
    this.stopListening = backend.onWrite((tables) => {
      this.stats.writes += 1;
      this.results.wrote(tables);
      outside(() => {
        for (const client of this.#clients) client.wake();
      });
    });
  }

  /** @param {(handlers: {onText, onClose}) => {send, close, drained} | undefined} accept */
  connect(accept) {
    const handlers = { onText: (text) => client.receive(text), onClose: () => this.#clients.delete(client.end()) };
    const connection = accept(handlers);
    const client = new SyncClient(this, connection);
    if (connection) this.#clients.add(client);
    else client.end();
  }

  /** The answers of a session by request id: promises, so that a repeat waits for the one that is running. */
  answersOf(sessionId) {
    if (!this.#sessions.has(sessionId)) {
      if (this.#sessions.size >= SESSIONS_KEPT_MAX) this.#sessions.delete(this.#sessions.keys().next().value);
      this.#sessions.set(sessionId, new Map());
    }
    return this.#sessions.get(sessionId);
  }

  close() {
    this.stopListening();
    for (const client of this.#clients) client.end();
  }
}

class SyncClient {
  #queries = new Map(); // queryId -> { udfPath, args, wire: what the client has }
  #removed = [];
  /** What the client asked for, and what it was told: a transition leads from the second to the first. */
  #wanted = { querySet: 0, identity: 0 };
  #told = { querySet: 0, identity: 0, ts: 0n };
  #dirty = false;
  #busy = false;
  #ended = false;
  #requests = Promise.resolve();
  #answers = new Map();

  constructor(server, connection) {
    this.server = server;
    this.connection = connection;
    this.ping = setInterval(() => this.#send({ type: "Ping" }), PING_EVERY_MS);
  }

  end() {
    this.#ended = true;
    clearInterval(this.ping);
    return this;
  }

  receive(text) {
    try {
      assertWellFormedJson(text, "message");
      this.#onMessage(JSON.parse(text));
    } catch (error) {
      // The real backend answers so, and the client does not come back.
      this.#send({ type: "FatalError", error: `Received invalid JSON on the websocket: ${error.message}` });
    }
  }

  #send(message) {
    if (!this.#ended) this.connection.send(JSON.stringify(message));
  }

  #onMessage(message) {
    switch (message.type) {
      case "Connect":
        this.#answers = this.server.answersOf(message.sessionId);
        return;
      case "Event":
        return;
      case "Authenticate":
        this.#wanted.identity = message.baseVersion + 1;
        return this.wake();
      case "ModifyQuerySet":
        for (const change of message.modifications) this.#changeQuery(change);
        this.#wanted.querySet = message.newVersion;
        return this.wake();
      case "Mutation": // one after the other, in the order they were sent
        this.#requests = this.#requests.then(() => this.#answer(message));
        return;
      case "Action":
        void this.#answer(message);
    }
  }

  #changeQuery(change) {
    if (change.type === "Add") {
      this.#queries.set(change.queryId, { udfPath: change.udfPath, args: change.args, wire: undefined });
    } else {
      this.#queries.delete(change.queryId);
      this.#removed.push(change.queryId);
    }
  }

  async #answer({ type, requestId, udfPath, args }) {
    if (!this.#answers.has(requestId)) {
      if (this.#answers.size >= ANSWERS_KEPT_MAX) this.#answers.delete(this.#answers.keys().next().value);
      this.#answers.set(requestId, this.server.functions.run(udfPath, args[0], [type]));
    }
    const result = await this.#answers.get(requestId);
    const answer = { type: `${type}Response`, requestId, success: result.ok, result: result.ok ? result.value : result.error, logLines: [] };
    if (result.data !== undefined) answer.errorData = result.data;
    if (result.ok && type === "Mutation") answer.ts = encodeTs(this.server.results.ts);
    this.#send(answer);
    this.wake();
  }

  /** Something may have changed: transitions follow until the client has everything. */
  wake() {
    this.#dirty = true;
    if (!this.#busy) void this.#catchUp();
  }

  async #catchUp() {
    this.#busy = true;
    try {
      while (this.#dirty && !this.#ended) {
        await this.connection.drained();
        this.#dirty = false;
        const start = performance.now();
        await this.#transition();
        // Half of the time is the writers': under load a client gets fewer transitions, not slower writes.
        await sleep(Math.min(performance.now() - start, PAUSE_MAX_MS));
      }
    } catch (error) {
      this.#send({ type: "FatalError", error: String(error?.message ?? error) });
    } finally {
      this.#busy = false;
    }
  }

  async #transition() {
    const end = { ...this.#wanted, ts: this.server.results.ts };
    const modifications = this.#removed.splice(0).map((queryId) => ({ type: "QueryRemoved", queryId }));
    for (const [queryId, query] of [...this.#queries]) {
      const result = await this.server.results.get(query);
      if (this.#queries.get(queryId) !== query || result.wire === query.wire) continue;
      query.wire = result.wire;
      modifications.push(modificationOf(queryId, result));
    }
    this.#send({
      type: "Transition",
      startVersion: { ...this.#told, ts: encodeTs(this.#told.ts) },
      endVersion: { ...end, ts: encodeTs(end.ts) },
      modifications,
    });
    this.#told = end;
    this.server.stats.transitions += 1;
  }
}

function modificationOf(queryId, result) {
  const common = { queryId, logLines: [], journal: null };
  if (result.ok) return { type: "QueryUpdated", value: result.value, ...common };
  const failed = { type: "QueryFailed", errorMessage: result.error, ...common };
  return result.data === undefined ? failed : { ...failed, errorData: result.data };
}

function encodeTs(ts) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(ts);
  return bytes.toString("base64");
}
