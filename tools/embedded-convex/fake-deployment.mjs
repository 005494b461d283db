// The smallest HTTP deployment that `convex dev --once`, `convex deploy` and `convex codegen [--component-dir]` accept.
// It lives as long as one push, keeps what was pushed, and evaluates nothing that does not come with its own random key.
import http from "node:http";
import zlib from "node:zlib";
import { analyzePush } from "./analyze.mjs";
import { hostAllowed, newToken, sameSecret } from "./guard.mjs";

const LOG_POLL_MS = 1000;
const NO_CHANGE = { allocatedComponentIds: {}, schemaIds: {}, indexDiffs: {} };

export async function startFakeDeployment({ verbose = false, env = {} } = {}) {
  const adminKey = `embedded|${newToken()}`;
  const pushes = [];
  const unknown = [];

  async function startPush(body, requestBytes) {
    const analyzed = await analyzePush(body, { env });
    pushes.push({ request: body, requestBytes, ...analyzed });
    return analyzed.response;
  }

  const answers = {
    "/instance_name": () => "embedded",
    "/api/get_config_hashes": () => emptyConfig(),
    "/api/get_config": () => emptyConfig(),
    "/api/deploy2/start_push": startPush,
    "/api/deploy2/evaluate_push": () => ({ schemaChange: NO_CHANGE }),
    "/api/deploy2/evaluate_schema": () => ({ componentSchemaEvaluations: {}, newComponentDefinitions: [] }),
    "/api/deploy2/wait_for_schema": () => ({ type: "complete" }),
    "/api/deploy2/finish_push": () => ({ authDiff: { added: [], removed: [] }, definitionDiffs: {}, componentDiffs: {} }),
    "/api/deploy2/report_push_completed": () => null,
    "/api/v1/get_canonical_urls": () => ({ convexCloudUrl: deployment.url, convexSiteUrl: deployment.url }),
    "/api/v1/list_environment_variables": () => ({ environmentVariables: env }),
    // `dev --once` opens this long poll and leaves.
    "/api/stream_function_logs": () =>
      new Promise((done) => setTimeout(() => done({ entries: [], newCursor: 0 }), LOG_POLL_MS).unref()),
    // The CLI asks system queries, such as _system/cli/queryEnvironmentVariables.
    "/api/query": () => ({ status: "success", value: [], logLines: [] }),
  };

  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const json = (status, body) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    try {
      if (!hostAllowed(request.headers.host, server.address().port)) return json(403, { code: "Forbidden", message: "foreign Host" });
      if (pathname === "/version" || pathname === "/instance_version") return response.writeHead(200).end("unknown");
      if (!sameSecret(request.headers.authorization ?? "", `Convex ${adminKey}`)) {
        return json(401, { code: "Unauthorized", message: "this deployment wants its admin key" });
      }
      const raw = await readBody(request);
      if (verbose) console.error(`[deployment] ${request.method} ${pathname} ${raw.length} B`);
      const answer = answers[pathname];
      if (!answer) {
        unknown.push(`${request.method} ${pathname}`);
        return json(404, { code: "NotFound", message: `the stand-in deployment has no ${pathname}` });
      }
      const body = raw.length > 0 ? JSON.parse(raw.toString("utf8")) : undefined;
      json(200, await answer(body, raw.length));
    } catch (error) {
      if (verbose) console.error(`[deployment] ${pathname}:`, error);
      json(400, { code: "EmbeddedPushError", message: String(error?.stack ?? error) });
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const deployment = {
    url: `http://127.0.0.1:${server.address().port}`,
    adminKey,
    pushes,
    unknown,
    close: () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  };
  return deployment;
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const raw = Buffer.concat(chunks);
  return request.headers["content-encoding"] === "br" ? zlib.brotliDecompressSync(raw) : raw;
}

function emptyConfig() {
  return {
    config: { functions: "convex/", authInfo: [] },
    moduleHashes: [],
    modules: [],
    nodeDependencies: [],
    udfServerVersion: "1.0.0",
  };
}
