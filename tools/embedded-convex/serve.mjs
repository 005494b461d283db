// An app served to real clients: ConvexHttpClient over HTTP, ConvexReactClient and ConvexClient over the WebSocket.
// In memory, one process, for demos and tests: what it holds is gone when it ends.
import http from "node:http";
import { Backend } from "./backend.mjs";
import { admit, newToken } from "./guard.mjs";
import { pushApp } from "./push.mjs";
import { PublicFunctions, SyncServer } from "./sync.mjs";
import { assertWellFormed } from "./text.mjs";
import { acceptWebSocket } from "./websocket.mjs";

const BODY_BYTES_MAX = 64 * 1024 * 1024;
const CORS_MAX_AGE_S = 600;
const SYNC_PATH = /^\/api\/[^/]+\/sync$/;
const FUNCTION_ROUTES = {
  "/api/query": ["Query"],
  "/api/query_at_ts": ["Query"],
  "/api/mutation": ["Mutation"],
  "/api/action": ["Action"],
  "/api/function": ["Query", "Mutation", "Action"],
};
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Serves an app on 127.0.0.1.
 *
 * @param {string | object} app its folder, or a push of it
 * @param {object} [options] those of `Backend`, and
 * - `port`: 0, the default, takes a free one
 * - `token`: default 32 random bytes; clients carry it as the first part of the URL's path
 * - `allowedOrigins`: origins of pages that may call; default none, which leaves clients that are no browser
 * - `identity`: who everybody is that has the token, as `ctx.auth.getUserIdentity` tells it (`issuer`, `subject`, …); default nobody
 * - `backend`: one with `footprints` that is served already, to be served to somebody else too
 * @returns {Promise<{url: string, port: number, token: string, backend: Backend, stats: object, close: () => Promise<void>}>}
 *   `url` is the deployment URL to give to clients, token included
 */
export async function serve(app, { port = 0, token = newToken(), allowedOrigins = [], identity, backend: served, ...options } = {}) {
  const push = typeof app === "string" ? await pushApp(app, { env: options.env }) : app;
  const backend = served ?? new Backend(push, { ...options, footprints: true });
  const functions = new PublicFunctions(backend, identity);
  const sync = new SyncServer(backend, functions);
  const rules = { port: 0, token, allowedOrigins };
  const server = http.createServer((request, response) => {
    void answer(request, response, rules, functions).catch((error) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error?.message ?? error));
    });
  });
  const upgraded = new Set();
  server.on("upgrade", (request, socket) => {
    upgraded.add(socket);
    socket.on("close", () => upgraded.delete(socket));
    socket.on("error", () => socket.destroy());
    const admitted = admit(request, rules);
    if (admitted.code) return refuseUpgrade(socket, admitted.status, admitted.code);
    if (!SYNC_PATH.test(admitted.path)) return refuseUpgrade(socket, 404, "E_EMBEDDED_PATH");
    sync.connect((handlers) => acceptWebSocket(request, socket, handlers));
  });
  await new Promise((ready, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", ready);
  });
  rules.port = server.address().port;
  return {
    url: `http://127.0.0.1:${rules.port}/${token}`,
    port: rules.port,
    token,
    backend,
    stats: sync.stats,
    close: () =>
      new Promise((closed) => {
        sync.close();
        server.close(() => closed());
        server.closeAllConnections();
        for (const socket of upgraded) socket.destroy();
      }),
  };
}

async function answer(request, response, rules, functions) {
  const admitted = admit(request, rules);
  if (admitted.code) return send(response, admitted.status, { code: admitted.code });
  const headers = admitted.origin === undefined ? {} : corsHeaders(admitted.origin);
  if (request.method === "OPTIONS") return void response.writeHead(204, headers).end();
  if (admitted.path === "/version") return void response.writeHead(200, headers).end("unknown");
  if (request.method !== "POST") return send(response, 405, { code: "E_EMBEDDED_METHOD" }, headers);
  if (admitted.path === "/api/query_ts") return send(response, 200, { ts: "AAAAAAAAAAA=" }, headers);
  const udfTypes = FUNCTION_ROUTES[admitted.path];
  if (!udfTypes) return send(response, 404, { code: "E_EMBEDDED_PATH" }, headers);

  let body;
  try {
    body = JSON.parse(utf8.decode(await readBody(request)));
    assertWellFormed(body, "request");
  } catch (error) {
    const status = error instanceof TooLarge ? 413 : 400;
    return send(response, status, { code: "BadJsonBody", message: error.message }, headers);
  }
  const args = Array.isArray(body.args) ? body.args[0] : body.args;
  const result = await functions.run(String(body.path), args, udfTypes);
  const failure = { status: "error", errorMessage: result.error, logLines: [] };
  if (result.data !== undefined) failure.errorData = result.data;
  send(response, 200, result.ok ? { status: "success", value: result.value, logLines: [] } : failure, headers);
}

function send(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function corsHeaders(origin) {
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": "content-type, convex-client, authorization",
    "access-control-max-age": String(CORS_MAX_AGE_S),
    vary: "Origin",
  };
}

class TooLarge extends Error {}

async function readBody(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new TooLarge(`body over ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refuseUpgrade(socket, status, code) {
  socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n${code}`);
}
