import { request } from "node:http";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { ConvexReactClient } from "convex/react";
import { makeFunctionReference } from "convex/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runScript, startServer } from "../../tools/embedded-convex/run.mjs";

const APP = fileURLToPath(new URL("embedded-convex.app", import.meta.url));
const STEPS = fileURLToPath(new URL("embedded-convex.steps.mjs", import.meta.url));
const CONTEXT_STEPS = fileURLToPath(new URL("contexts.steps.mjs", import.meta.url));
const PAGE = "http://127.0.0.1:5199";
const ENV = { ACTOR_TENANT_ID: "acme" };
const PUSH_TIMEOUT_MS = 60_000;
const SYNC_VERSION = "1.48.0";

// Node 20 has no WebSocket; convex brings its own.
const require = createRequire(import.meta.url);
const WebSocket = createRequire(require.resolve("convex/browser"))("ws");

const viaComponent = makeFunctionReference<"query">("app:viaComponent");
const echo = makeFunctionReference<"query">("app:echo");
const edit = makeFunctionReference<"mutation">("app:edit");
const drawn = makeFunctionReference<"query">("app:drawn");
const drawnWithoutTag = makeFunctionReference<"query">("app:drawnWithoutTag");
const tag = makeFunctionReference<"mutation">("app:tag");
const drawnOfEven = makeFunctionReference<"query">("app:drawnOfEven");
const whoAmI = makeFunctionReference<"query">("app:whoAmI");
const add = makeFunctionReference<"mutation">("app:add");
const later = makeFunctionReference<"mutation">("app:later");
const slow = makeFunctionReference<"mutation">("app:slow");
const act = makeFunctionReference<"action">("app:act");
const list = { fn: "list" };

test("everybody is who the deployment says, over HTTP and the WebSocket", async () => {
  const server = await startServer(APP, { env: ENV, identity: { issuer: "https://accounts.example", subject: "ann" } });
  const client = new ConvexClient(server.url);
  try {
    expect(await new ConvexHttpClient(server.url).query(whoAmI)).toBe("ann");
    expect(await client.query(whoAmI, {})).toBe("ann");
  } finally {
    await client.close();
    await server.stop();
  }
}, PUSH_TIMEOUT_MS);

test("a call runs as on the backend", () => runScript(APP, STEPS, { env: ENV }), PUSH_TIMEOUT_MS);

test("the context of a call is let go", () => runScript(APP, CONTEXT_STEPS, { env: ENV, nodeFlags: ["--expose-gc"] }), PUSH_TIMEOUT_MS);

describe("serve", () => {
  let server: Awaited<ReturnType<typeof startServer>>;
  let clients: { close: () => Promise<void> }[] = [];

  beforeAll(async () => {
    server = await startServer(APP, { allowedOrigins: [PAGE], env: ENV });
  }, PUSH_TIMEOUT_MS);
  afterAll(async () => {
    for (const client of clients) await client.close();
    clients = [];
    await server.stop();
  });

  function closing<Client extends { close: () => Promise<void> }>(client: Client): Client {
    clients.push(client);
    return client;
  }

  /** Every value that a subscription gave. */
  function watch(client: ConvexClient, args = list) {
    const seen: number[][] = [];
    client.onUpdate(viaComponent, args, (rows: number[]) => void seen.push(rows));
    return seen;
  }

  describe("clients", () => {
    test("ConvexHttpClient keeps the token in its URL", async () => {
      const client = new ConvexHttpClient(server.url, { logger: false });
      await client.mutation(add, { n: 1 });
      expect(await client.query(viaComponent, list)).toContain(1);
      expect(await client.query(whoAmI)).toBeNull();
      await expect(client.query(viaComponent, { fn: "bad" })).rejects.toThrow(/Return value/);
      await expect(client.query(makeFunctionReference<"query">("app:add"), { n: 1 })).rejects.toThrow(/defined as Mutation/);
      await expect(client.query(makeFunctionReference<"query">("app:internalAdd"), {})).rejects.toThrow(/Could not find public function/);
    });

    test("ConvexClient sees the writes of others, those of actions and of scheduled functions", async () => {
      const client = closing(new ConvexClient(server.url));
      const seen = watch(client);
      await client.mutation(add, { n: 100 });
      await new ConvexHttpClient(server.url).mutation(add, { n: 101 });
      await expect.poll(() => seen.at(-1)).toEqual(expect.arrayContaining([100, 101]));
      await client.action(act, {});
      await expect.poll(() => seen.at(-1)).toEqual(expect.arrayContaining([7, 8]));
      await client.mutation(later, { n: 102 });
      await expect.poll(() => seen.at(-1)).toEqual(expect.arrayContaining([102]));
    });

    test("ConvexReactClient", async () => {
      const client = closing(new ConvexReactClient(server.url, { webSocketConstructor: WebSocket }));
      const rows = client.watchQuery(viaComponent, list);
      rows.onUpdate(() => {});
      await client.mutation(add, { n: 200 });
      // Its own write is in the query's result by the time the mutation resolves.
      expect(rows.localQueryResult()).toContain(200);
    });
  });

  test("a query runs again when a row is written in what it has read, and not for another of the table", async () => {
    const client = closing(new ConvexClient(server.url));
    const writer = new ConvexHttpClient(server.url);
    const one = await writer.mutation(add, { n: -2 });
    const other = await writer.mutation(add, { n: 900 });
    const draws: number[] = [];
    const even: number[] = [];
    client.onUpdate(drawn, { id: one }, ({ draw }: { draw: number }) => void draws.push(draw));
    client.onUpdate(drawnOfEven, {}, ({ draw }: { draw: number }) => void even.push(draw));
    const all = watch(client);
    await expect.poll(() => [draws.length, even.length]).toEqual([1, 1]);
    // What lies behind the last row that a filter let pass may have been looked at.
    await writer.mutation(edit, { id: other, n: 901 });
    await expect.poll(() => all.at(-1)).toContain(901);
    await expect.poll(() => even.length).toBe(2);
    expect(draws).toHaveLength(1);
    await writer.mutation(edit, { id: one, n: -4 });
    await expect.poll(() => draws.length).toBe(2);

    // A field that is not there is a place of an index, too.
    const counts: number[] = [];
    client.onUpdate(drawnWithoutTag, {}, ({ count }: { count: number }) => void counts.push(count));
    await expect.poll(() => counts).toEqual([0]);
    await writer.mutation(tag, { tag: "a" });
    await writer.mutation(tag, {});
    await expect.poll(() => counts).toEqual([0, 1]);
  });

  test("a burst of writes does not queue transitions for a client", async () => {
    const client = closing(new ConvexClient(server.url));
    const seen = watch(client);
    await expect.poll(() => seen.length).toBeGreaterThan(0);
    const before = seen.length;
    const writers = Array.from({ length: 4 }, () => new ConvexHttpClient(server.url));
    const writes = 60;
    await Promise.all(
      writers.map(async (writer, w) => {
        for (let i = 0; i < writes / writers.length; i++) await writer.mutation(add, { n: 1000 + w * writes + i });
      }),
    );
    await expect.poll(() => seen.at(-1)!.filter((n) => n >= 1000).length).toBe(writes);
    // The subscription had every row without a run for every write.
    expect(seen.length - before).toBeLessThan(writes * 0.75);
  });

  describe("ill-formed and too large arguments", () => {
    test("a lone surrogate is an error over HTTP", async () => {
      const client = new ConvexHttpClient(server.url, { logger: false });
      await expect(client.query(echo, { value: "\ud83d" })).rejects.toThrow(/lone surrogate/);
      expect(await client.query(echo, { value: "\u{1f600}" })).toBe("\u{1f600}");
    });

    test("and the end of a WebSocket client", async () => {
      const socket = await openSocket(server.url);
      socket.send({ type: "Mutation", requestId: 0, udfPath: "app:add", args: [{ n: "\ud83d" }] });
      expect(await socket.next("FatalError")).toMatchObject({ error: expect.stringMatching(/lone surrogate/) });
      socket.close();
    });

    test("over 16 MiB", async () => {
      const client = new ConvexHttpClient(server.url, { logger: false });
      await expect(client.query(echo, { value: "x".repeat(16 * 1024 * 1024) })).rejects.toThrow(/too large/);
    });
  });

  test("a mutation sent again after a reconnect is not done again", async () => {
    const message = { type: "Mutation", requestId: 7, udfPath: "app:add", args: [{ n: 400 }] };
    for (let connection = 0; connection < 2; connection++) {
      const socket = await openSocket(server.url);
      socket.send({ type: "Connect", sessionId: "resent", connectionCount: connection, lastCloseReason: null });
      socket.send(message);
      expect(await socket.next("MutationResponse")).toMatchObject({ requestId: 7, success: true });
      socket.close();
    }
    const rows: number[] = await new ConvexHttpClient(server.url).query(viaComponent, list);
    expect(rows.filter((n) => n === 400)).toHaveLength(1);
  });

  describe("the guard", () => {
    const query = JSON.stringify({ path: "app:viaComponent", args: [list], format: "json" });
    const own = () => `127.0.0.1:${server.port}`;
    const path = (token: string) => `/${token}/api/query`;
    const otherToken = "A".repeat(43);

    /** What a browser may do that `fetch` of Node does not let us: any Host, any Origin. */
    function post(options: { path?: string; headers?: Record<string, string>; method?: string; host?: string }) {
      return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
        const sent = request(
          {
            host: "127.0.0.1",
            port: server.port,
            method: options.method ?? "POST",
            path: options.path ?? path(server.token),
            headers: { host: options.host ?? own(), "content-type": "application/json", ...options.headers },
          },
          (response) => {
            let body = "";
            response.on("data", (chunk) => (body += chunk));
            response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
          },
        );
        sent.on("error", reject);
        sent.end(options.method === "OPTIONS" ? undefined : query);
      });
    }

    const refusals: [string, () => Parameters<typeof post>[0], number, string][] = [
      ["a rebound name", () => ({ host: `evil.example:${server.port}` }), 403, "E_EMBEDDED_HOST"],
      ["a Host without a port", () => ({ host: "127.0.0.1" }), 403, "E_EMBEDDED_HOST"],
      ["a Host with another port", () => ({ host: "127.0.0.1:1" }), 403, "E_EMBEDDED_HOST"],
      ["a page of another origin", () => ({ headers: { origin: "https://evil.example" } }), 403, "E_EMBEDDED_ORIGIN"],
      ["a page of another port", () => ({ headers: { origin: "http://127.0.0.1:1" } }), 403, "E_EMBEDDED_ORIGIN"],
      ["an opaque origin", () => ({ headers: { origin: "null" } }), 403, "E_EMBEDDED_ORIGIN"],
      ["no token", () => ({ path: "/api/query" }), 401, "E_EMBEDDED_TOKEN"],
      ["a wrong token", () => ({ path: path(otherToken) }), 401, "E_EMBEDDED_TOKEN"],
      ["the token's beginning", () => ({ path: path(server.token.slice(0, -1)) }), 401, "E_EMBEDDED_TOKEN"],
      ["the page without a token", () => ({ path: "/api/query", headers: { origin: PAGE } }), 401, "E_EMBEDDED_TOKEN"],
    ];

    test.each(refusals)("HTTP refuses %s", async (_name, options, status, code) => {
      const answer = await post(options());
      expect(answer).toMatchObject({ status });
      expect(JSON.parse(answer.body)).toEqual({ code });
      expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
    });

    test.each(refusals)("the WebSocket refuses %s", async (_name, options, status, code) => {
      const { host, headers, path: target } = options();
      const answer = await upgrade({
        port: server.port,
        path: (target ?? path(server.token)).replace("/api/query", `/api/${SYNC_VERSION}/sync`),
        headers: { host: host ?? own(), ...headers },
      });
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(answer).toContain(code);
    });

    test("the page is let in, and CORS names it alone", async () => {
      const answer = await post({ headers: { origin: PAGE } });
      expect(answer).toMatchObject({ status: 200, headers: { "access-control-allow-origin": PAGE, vary: "Origin" } });
      const preflight = await post({ method: "OPTIONS", headers: { origin: PAGE, "access-control-request-method": "POST" } });
      expect(preflight).toMatchObject({ status: 204, headers: { "access-control-allow-origin": PAGE } });
      const foreign = await post({ method: "OPTIONS", headers: { origin: "https://evil.example" } });
      expect(foreign.status).toBe(403);
      const socket = await upgrade({
        port: server.port,
        path: `/${server.token}/api/${SYNC_VERSION}/sync`,
        headers: { host: own(), origin: PAGE },
      });
      expect(socket).toMatch(/^HTTP\/1\.1 101 /);
    });

    test("localhost is its own name too, and 32 random bytes are the token", async () => {
      expect(await post({ host: `localhost:${server.port}` })).toMatchObject({ status: 200 });
      expect(Buffer.from(server.token, "base64url")).toHaveLength(32);
    });

    test("it listens on 127.0.0.1 only", async () => {
      const reached = await new Promise<boolean>((resolve) => {
        const socket = connect({ host: "127.0.0.2", port: server.port });
        socket.on("connect", () => {
          socket.destroy();
          resolve(true);
        });
        socket.on("error", () => resolve(false));
      });
      expect(reached).toBe(false);
    });
  });

  test("it ends with its parent's pipe, and a running call does not hold it", async () => {
    const short = await startServer(APP);
    const call = new ConvexHttpClient(short.url, { logger: false }).mutation(slow, { ms: 300 }).catch(() => {});
    await sleep(50);
    await short.stop();
    expect(await short.exited).toBe(0);
    await call;
  }, PUSH_TIMEOUT_MS);
});

/** The raw answer to an upgrade request, up to its end or to the switch of protocols. */
function upgrade({ port, path, headers }: { port: number; path: string; headers: Record<string, string> }) {
  return new Promise<string>((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    const lines = Object.entries({
      ...headers,
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }).map(([name, value]) => `${name}: ${value}`);
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
      if (answer.startsWith("HTTP/1.1 101") && answer.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  });
}

/** A bare sync connection. */
async function openSocket(url: string) {
  const { host, pathname } = new URL(url);
  const socket = new WebSocket(`ws://${host}${pathname}/api/${SYNC_VERSION}/sync`);
  const received: { type: string }[] = [];
  socket.on("message", (data: Buffer) => received.push(JSON.parse(String(data))));
  await new Promise((open, failed) => socket.on("open", open).on("error", failed));
  return {
    send: (message: object) => socket.send(JSON.stringify(message)),
    async next(type: string) {
      await expect.poll(() => received.some((message) => message.type === type)).toBe(true);
      return received.find((message) => message.type === type);
    },
    close: () => socket.close(),
  };
}
