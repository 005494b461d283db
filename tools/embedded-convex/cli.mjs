#!/usr/bin/env node
// See README.md, or run it without arguments.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { V8_FLAGS } from "./run.mjs";

const USAGE = `usage: node tools/embedded-convex/cli.mjs <command> <appDir>

  push    <appDir> [--out DIR] [--request FILE]     push it, say what was pushed; --out keeps the bundles, --request what was sent
  codegen <appDir> [--component-dir DIR]            write _generated with the real CLI
  run     <appDir> chat:send '{"threadId": "t"}'    push it, call one function
  script  <appDir> steps.mjs [--table]              push it, run a step script
  serve   <appDir> [--port 3210] [--allow-origin O]… [--identity JSON] [--json]
                                                    push it, serve it to Convex clients until stdin or the process ends;
                                                    with --identity every client is signed in as that

  --env NAME=VALUE (repeatable) sets the deployment's environment; --verbose shows every request and log line`;
const DEFAULT_PORT = 3210;

if (!process.execArgv.includes("--experimental-vm-modules")) {
  const child = spawn(process.execPath, [...V8_FLAGS, ...process.argv.slice(1)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  process.exit(await new Promise((done) => child.on("close", (code) => done(code ?? 1))));
}
const { Backend, pushApp, runCodegen, serve } = await import("./index.mjs");

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: "string" },
    request: { type: "string" },
    "component-dir": { type: "string" },
    port: { type: "string", default: String(DEFAULT_PORT) },
    "allow-origin": { type: "string", multiple: true, default: [] },
    env: { type: "string", multiple: true, default: [] },
    identity: { type: "string" },
    json: { type: "boolean", default: false },
    table: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});
const [command, appDir, ...rest] = positionals;
const env = Object.fromEntries(flags.env.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
const log = (level, args) => console.error(`[${level}]`, ...args);
const ms = (n) => (n === undefined ? "-" : n.toFixed(2));
const push = () => pushApp(appDir, { verbose: flags.verbose, env });

const commands = {
  async push() {
    const pushed = await push();
    console.log(pushed.cliOutput.trim());
    for (const line of describePush(pushed)) console.log(line);
    if (flags.out) writeBundles(pushed, flags.out);
    if (flags.request) fs.writeFileSync(flags.request, JSON.stringify(pushed.request));
  },
  async codegen() {
    await runCodegen(appDir, { componentDir: flags["component-dir"], verbose: true });
  },
  async run() {
    const backend = new Backend(await push(), { onLog: log });
    const { value, calls } = await backend.call(rest[0], rest[1] ? JSON.parse(rest[1]) : {});
    console.log(JSON.stringify(value, (_key, field) => (typeof field === "bigint" ? `${field}n` : field), 2));
    console.table(calls.map(tableRow));
  },
  async script() {
    const pushed = await push();
    const backend = new Backend(pushed, { onLog: flags.verbose ? log : undefined });
    const { strict: assert } = await import("node:assert");
    const { default: script } = await import(pathToFileURL(path.resolve(rest[0])).href);
    const call = async (fn, args, identity) => (await backend.call(fn, args, identity)).value;
    await script({ call, backend, push: pushed, assert });
    if (flags.table) console.table(backend.calls.map(tableRow));
    const slowest = Math.max(...backend.calls.map(({ userMs }) => userMs));
    console.log(`script ok: ${backend.calls.length} calls, each in a fresh context; slowest ${ms(slowest)} ms of user time`);
    process.exit(0); // a scheduled function may still wait for its time
  },
  async serve() {
    const identity = flags.identity === undefined ? undefined : JSON.parse(flags.identity);
    const options = { port: Number(flags.port), allowedOrigins: flags["allow-origin"], identity, env, onLog: log };
    const { url, port, token, close } = await serve(await push(), options);
    console.log(flags.json ? JSON.stringify({ url, port, token }) : `serving ${appDir} on ${url}`);
    let stopping = false;
    const stop = () => {
      if (stopping) return;
      stopping = true;
      void close().then(() => process.exit(0));
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
    if (flags.json) process.stdin.on("end", stop).resume();
  },
};

if (!commands[command] || !appDir) {
  console.error(USAGE);
  process.exit(2);
}
try {
  await commands[command]();
} catch (error) {
  console.error(error);
  process.exit(1);
}

function tableRow(call) {
  return {
    function: `${call.component || "app"}/${call.fn}`,
    ok: call.ok,
    read: call.totalUsage.documentsRead,
    ranges: call.totalUsage.ranges,
    written: call.totalUsage.documentsWritten,
    "bytes read": call.totalUsage.bytesRead,
    "bytes written": call.totalUsage.bytesWritten,
    modules: call.moduleCount,
    context: ms(call.timings?.context),
    compile: ms(call.timings?.compile),
    evaluate: ms(call.timings?.evaluate),
    wasm: ms(call.wasmMs),
    call: ms(call.callMs),
    "syscall ms": ms(call.syscallMs),
    "user ms": ms(call.userMs),
  };
}

function* describePush(pushed) {
  const names = [...pushed.components.keys()].map((name) => name || "(app)");
  yield `start_push: ${pushed.requestBytes} B of JSON; definitions: ${names.join(", ")}`;
  for (const [definition, { rawModules, functions }] of pushed.components) {
    const bytes = rawModules.reduce((sum, { source }) => sum + source.length, 0);
    yield `\n${definition || "(app)"}: ${rawModules.length} modules, ${bytes} B of source`;
    for (const { path: file, source, environment } of rawModules) yield `  ${environment.padEnd(7)} ${String(source.length).padStart(8)} B  ${file}`;
    for (const [file, module] of Object.entries(functions)) {
      const listed = module.functions.map(({ name, udfType }) => `${name}(${udfType})`).join(", ") || "(no functions)";
      yield `  ${file}: ${listed}; import took ${ms(module.importTimings.evaluate)} ms`;
    }
  }
}

function writeBundles(pushed, out) {
  for (const [definition, { rawModules }] of pushed.components) {
    const folder = path.join(out, (definition || "app").replace(/[^\w.-]+/g, "_"));
    for (const { path: file, source } of rawModules) {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), source);
    }
  }
}
