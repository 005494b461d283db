// Ways into the embedded Convex from a process that does not run with its V8 flags: each starts a child that does.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("cli.mjs", import.meta.url));
const STOP_GRACE_MS = 3000;

/**
 * The flags of crates/isolate/src/client.rs that Node knows, so that WebAssembly behaves alike, and what `node:vm` asks for. V8's compilation
 * cache keeps every module that it compiled, and the context of each (nodejs/node#59118); code that is cached is `ModuleSet`'s.
 */
export const V8_FLAGS = ["--experimental-vm-modules", "--no-warnings", "--no-wasm-async-compilation", "--stack-size=2048", "--no-compilation-cache"];

/**
 * Runs a step script (`export default async ({ call, backend, assert, push }) => …`) against an app.
 *
 * @param {string} appDir
 * @param {string} script
 * @param {{env?: Record<string, string>, args?: string[], nodeFlags?: string[]}} [options] `env` is the deployment's environment
 * @returns {Promise<string>} what it printed; rejects with that text when it fails
 */
export function runScript(appDir, script, { env = {}, args = [], nodeFlags = [] } = {}) {
  const child = startCli(["script", appDir, script, ...envFlags(env), ...args], ["ignore", "pipe", "pipe"], nodeFlags);
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(new Error(`${script} failed (exit ${code}):\n${output}`))));
  });
}

/**
 * Serves an app from a child process. The token comes back over the pipe: a command line can be read by every user of the machine.
 *
 * @param {string} appDir
 * @param {{port?: number, allowedOrigins?: string[], identity?: object, env?: Record<string, string>, onLog?: (line: string) => void}} [options]
 *   those of `serve`
 * @returns {Promise<{url: string, port: number, token: string, pid: number, exited: Promise<number | null>, stop: () => Promise<void>}>}
 */
export async function startServer(appDir, { port = 0, allowedOrigins = [], identity, env = {}, onLog = () => {} } = {}) {
  const origins = allowedOrigins.flatMap((origin) => ["--allow-origin", origin]);
  const who = identity === undefined ? [] : ["--identity", JSON.stringify(identity)];
  const child = startCli(
    ["serve", appDir, "--json", "--port", String(port), ...origins, ...who, ...envFlags(env)],
    ["pipe", "pipe", "pipe"], // the server ends with its stdin: it does not outlive a parent that was killed
  );
  const exited = new Promise((done) => child.on("close", done));
  let errors = "";
  createInterface({ input: child.stderr }).on("line", (line) => {
    errors += `${line}\n`;
    onLog(line);
  });
  const ready = new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
  const line = await Promise.race([ready, exited.then(() => undefined)]);
  if (line === undefined) throw new Error(`the embedded Convex did not start:\n${errors}`);
  const stop = async () => {
    child.stdin.end();
    const killer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    await exited;
    clearTimeout(killer);
  };
  return { ...JSON.parse(line), pid: child.pid, exited, stop };
}

function startCli(args, stdio, nodeFlags = []) {
  const env = { ...process.env };
  delete env.NODE_OPTIONS; // a test runner's loaders are not for the child
  return spawn(process.execPath, [...V8_FLAGS, ...nodeFlags, CLI, ...args], { stdio, env });
}

const envFlags = (env) => Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
