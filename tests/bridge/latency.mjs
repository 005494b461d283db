// How long an event is on its way, from the line that codex prints to the acknowledgement of its batch: part of `npm run bench:bridge`, run by
// `cli.mjs script`. A stand-in prints 2,000 text deltas a second, in `TURNS` turns at once; the host (`latency-host.mjs`) has
// the bridge and the outbox; this process is Convex, with the bundle that the real CLI pushes, a fresh context for every call. Nothing is
// asserted, for times are the machine's: what is kept of it stands in docs/EVIDENCE.md.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import path from "node:path";
import { Backend } from "../../tools/embedded-convex/index.mjs";

const EVENTS_A_SECOND = 2_000;
const SECONDS = Number(process.env["SECONDS"] ?? 60);
const HOST = path.join(import.meta.dirname, "latency-host.mjs");

const actor = { tenantId: "acme", userId: "ann", deviceId: "laptop" };
const THREADS = Array.from({ length: Number(process.env["TURNS"] ?? 1) }, (_, at) => `019a3b5c-0000-7000-8000-00000000000${at}`);

export default async function latency({ push }) {
  const component = [...push.components.keys()].find((name) => name !== "");
  const backend = new Backend(push, { component });
  const call = async (name, args) => (await backend.call(name, args)).value;
  const ingest = ({ threadId, events }) => {
    const streamDeltas = events.map(({ eventId, turnId, streamId, kind, payloadJson, cursorStart, cursorEnd, createdAt }) => {
      return { type: "stream_delta", eventId, turnId, streamId, kind, payloadJson, cursorStart, cursorEnd, createdAt };
    });
    return call("sync:ingestSafe", { actor, sessionId: `of ${threadId}`, threadId, streamDeltas, lifecycleEvents: [] });
  };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      ingest(JSON.parse(body)).then(
        (answer) => response.end(JSON.stringify(answer)),
        (error) => response.writeHead(500).end(String(error)),
      );
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  for (const threadId of THREADS) await call("threads:create", { actor, threadId });
  const args = [HOST, `http://127.0.0.1:${server.address().port}`, JSON.stringify(THREADS), String(EVENTS_A_SECOND), String(SECONDS)];
  const host = spawn(process.execPath, args, { stdio: "inherit" });
  const code = await new Promise((resolve) => host.on("close", resolve));
  server.close();
  if (code !== 0) throw new Error(`the host ended with ${String(code)}`);
}
