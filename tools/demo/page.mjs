// The web page: built once from example/web, served from memory on 127.0.0.1.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { hostAllowed } from "../embedded-convex/guard.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WEB = path.join(ROOT, "example/web");
const OUTPUT = path.join(WEB, "dist");
const STAMP = path.join(OUTPUT, ".built-from");
const INPUTS = ["example/web/index.html", "example/web/vite.config.ts", "example/web/src", "example/web/public", "dist/lib", "package-lock.json", "tools/demo/page.mjs"];
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

/** Builds the page where its sources have changed since the last time. */
export async function buildPage({ onBuild = () => {} } = {}) {
  const hash = hashOf(INPUTS);
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === hash) return;
  onBuild();
  const { NODE_ENV = "" } = process.env;
  process.env.NODE_ENV = "production"; // whatever runs the demo: React is another one otherwise
  await build({ configFile: path.join(WEB, "vite.config.ts"), logLevel: "warn" });
  process.env.NODE_ENV = NODE_ENV;
  writeFileSync(STAMP, hash);
}

function hashOf(inputs) {
  const hash = createHash("sha256");
  for (const input of inputs) {
    const absolute = path.join(ROOT, input);
    for (const file of filesOf(absolute)) hash.update(`${path.relative(ROOT, file)}\0`).update(readFileSync(file));
  }
  return hash.digest("hex");
}

function filesOf(absolute) {
  if (!existsSync(absolute)) return [];
  try {
    const entries = readdirSync(absolute, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name)).sort();
  } catch (error) {
    if (error.code === "ENOTDIR") return [absolute];
    throw error;
  }
}

/**
 * Serves the built page. It shows what a repository may have written: nothing but its own scripts runs in it, and it talks
 * to nobody but the deployment.
 *
 * @returns {Promise<{origin: string, connectTo: (deploymentUrl: string) => void, close: () => Promise<void>}>}
 */
export async function servePage({ port = 0, folder = OUTPUT } = {}) {
  // Read once: a request names one of these files or nothing.
  const files = new Map(
    filesOf(folder).map((file) => [`/${path.relative(folder, file).split(path.sep).join("/")}`, readFileSync(file)]),
  );
  let policy = policyFor([]);
  const server = http.createServer((request, response) => {
    if (!hostAllowed(request.headers.host, server.address().port)) return response.writeHead(403).end();
    if (request.method !== "GET" && request.method !== "HEAD") return response.writeHead(405).end();
    const { pathname } = new URL(request.url, "http://127.0.0.1");
    const name = pathname === "/" ? "/index.html" : pathname;
    const type = TYPES[path.extname(name)];
    const body = files.get(name);
    if (!type || !body) return response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": type,
      "content-length": body.length,
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-store",
    });
    response.end(request.method === "HEAD" ? undefined : body);
  });
  await new Promise((ready, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", ready);
  });
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    connectTo(deploymentUrl) {
      const { origin } = new URL(deploymentUrl);
      policy = policyFor([origin, origin.replace(/^http/, "ws")]);
    },
    close: () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  };
}

function policyFor(origins) {
  return [
    "default-src 'self'",
    "img-src 'self' data:",
    `connect-src ${origins.length > 0 ? origins.join(" ") : "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
