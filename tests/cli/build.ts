/** The command line as it is installed, over an app on the embedded Convex, with a stand-in for codex. */
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, expect, onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { startServer } from "../../tools/embedded-convex/run.mjs";

const CLI = fileURLToPath(new URL("../../dist/lib/cli/main.js", import.meta.url));
const STAND_IN = fileURLToPath(new URL("../runtime/stand-in-codex.mjs", import.meta.url));
const APP = fileURLToPath(new URL("host.app", import.meta.url));

/** What is never printed: tokens of devices, and the one in the served address. */
const secrets: string[] = [];

export const api = anyApi["chat"] as Record<string, never>;
/** Another user's. */
export const bobsApi = anyApi["bob"] as Record<string, never>;

/** How a command ended, and what it printed. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Each line of stdout, as JSON. */
  json: () => Record<string, unknown>[];
}

export interface Running {
  ended: Promise<Ended>;
  /** What it has printed on stdout so far. */
  stdout: () => string;
  stderr: () => string;
  kill: (signal: NodeJS.Signals) => void;
  /** As Ctrl-C in a terminal does: whatever it has started gets the signal too. */
  interrupt: () => void;
}

/** An app that is served, Ann's token for a machine, and Ann as a client. */
export async function startHost() {
  const server = await startServer(APP);
  secrets.push(server.token);
  afterAll(() => server.stop());
  const ann = new ConvexHttpClient(server.url, { logger: false });
  const issue = async (deviceId = "laptop", of = api) => {
    const { token, tokenId } = (await ann.mutation(of["issueDeviceToken"]!, { deviceId, entropy: createDeviceEntropy() } as never)) as { token: string; tokenId: string };
    secrets.push(token);
    return { token, tokenId };
  };
  const texts = async (threadId: string) => {
    const args = { threadId, paginationOpts: { cursor: null, numItems: 100 } };
    const { page } = (await ann.query(api["listThreadMessagesForHooks"]!, args as never)) as { page: { text: string }[] };
    return page.map(({ text }) => text).reverse();
  };
  return { url: server.url, ann, issue, texts, ...(await issue()) };
}

/** A machine: a home, a folder to work in, a codex that is the stand-in. It goes with the test. */
export async function machine(standIn: object = {}, { version = "0.169.0" } = {}) {
  const root = await mkdtemp(path.join(tmpdir(), "codex-cli-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const [home, cwd] = [path.join(root, "home"), path.join(root, "project")];
  for (const folder of [home, cwd]) await mkdir(folder);
  const codexBin = path.join(root, "codex");
  const json = JSON.stringify(standIn).replaceAll("'", "");
  await writeFile(codexBin, `#!/bin/sh\n[ "$1" = --version ] && env > '${root}/environment.version' && echo codex-cli ${version} && exit\nenv > '${root}/environment'; umask > '${root}/umask'\nexec '${process.execPath}' '${STAND_IN}' '${json}'\n`);
  await chmod(codexBin, 0o755);
  return { root, home, cwd, codexBin, state: path.join(root, "state") };
}

/** A codex of the machine's that runs already, and listens; each connection has a stand-in to itself. `heard` is what its clients said. */
export async function listening({ root, cwd }: Machine, standIn: object = {}) {
  const file = path.join(root, "app.sock");
  const server = createServer();
  const heard: { method?: string; params?: { cwd?: string } }[] = [];
  new WebSocketServer({ server }).on("connection", (client) => {
    const child = spawn(process.execPath, [STAND_IN, JSON.stringify(standIn)], { cwd, stdio: ["pipe", "pipe", "inherit"] });
    client.on("message", (data: Buffer) => {
      heard.push(JSON.parse(data.toString()) as object);
      child.stdin.write(`${data.toString()}\n`);
    });
    createInterface({ input: child.stdout }).on("line", (line) => client.send(line));
    client.on("close", () => child.kill());
  });
  await new Promise<void>((resolve) => server.listen(file, resolve));
  onTestFinished(() => void server.close());
  return { attach: `unix://${file}`, heard };
}

/** What answers at an address as it is told to, for as long as the test runs. @returns the address */
export async function answering(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

/** A deployment in trouble: what stands before it answers in its place. */
export const inTrouble = (status: number) => answering((_request, response) => response.writeHead(status, { "content-type": "text/html" }).end("<html><h1>in trouble</h1></html>"));

/** A deployment as a production one answers: of a failure that has no data of its own, it tells nothing. */
export const inProduction = (url: string) =>
  answering((request, response) => {
    const ask = async () => {
      const body = request.method === "GET" ? null : Buffer.concat((await request.toArray()) as Buffer[]);
      const answer = await fetch(url + request.url!, { method: request.method!, headers: { "content-type": "application/json" }, body });
      const text = await answer.text();
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" });
      if (body === null) return response.end(text);
      const told = JSON.parse(text) as { status: string; errorData?: unknown };
      return response.end(JSON.stringify(told.status !== "error" ? told : { ...told, errorMessage: "[Request ID: 0123456789abcdef] Server Error", logLines: [] }));
    };
    void ask();
  });

export type Machine = Awaited<ReturnType<typeof machine>>;

/** Starts a command on a machine; it is ended with the test. */
export function start({ home, cwd, codexBin }: Pick<Machine, "home" | "cwd" | "codexBin">, args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [CLI, ...args], { cwd, env: { PATH: process.env["PATH"]!, HOME: home, CODEX_BIN: codexBin, ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code) => {
      // Whatever a test is about: no secret is printed.
      for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
      resolve({ code, stdout, stderr, json: () => stdout.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>) });
    });
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { ended, stdout: () => stdout, stderr: () => stderr, kill: (signal) => void child.kill(signal), interrupt: () => void process.kill(-child.pid!, "SIGINT") };
}

/** Runs a command to its end. */
export const cli = (on: Pick<Machine, "home" | "cwd" | "codexBin">, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> => start(on, args, env).ended;

/** Nowhere in particular: of commands that ask nobody. */
export const NOWHERE = { home: mkdtempSync(path.join(tmpdir(), "codex-cli-")), cwd: tmpdir(), codexBin: "/nowhere/codex" };
