#!/usr/bin/env node
// A stand-in for the `codex` binary: `app-server` on stdio, out of a recording of the real one. It runs no model and no command.
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Player } from "./player.mjs";
import { readTape } from "./tape.mjs";

const RECORDED_WITH = "codex-cli 0.169.0";
const RECORDINGS = new URL("../../tests/fixtures/transcripts/", import.meta.url);
const USAGE = `replay-codex: a STAND-IN for codex. It plays a recording of \`codex app-server\` (${RECORDED_WITH}); it runs no model and no command.

usage: replay-codex app-server [options]        speaks JSON lines on stdin and stdout, as \`codex app-server\` does

  --transcript NAME|FILE   REPLAY_TRANSCRIPT    what to play (default: demo)
  --process N              REPLAY_PROCESS       which process of the recording, from 1 (default: 1)
  --speed N                REPLAY_SPEED         1 is the recording's own pace, 10 ten times as fast, 0 without pauses (default: 1)
  --token-ms N             REPLAY_TOKEN_MS      the least pause before a streamed piece of text, at any speed (default: 0)
  --autoplay               REPLAY_AUTOPLAY=1    play the whole session without waiting for the client's requests and answers
  --fresh-ids              REPLAY_FRESH_IDS=1   new ids of threads and turns, so that it is another session each time
  --exit-at-end            REPLAY_EXIT_AT_END=1 exit when the recording is over, not when stdin is`;

const log = (text) => process.stderr.write(`replay-codex: ${text}\n`);

function fail(text) {
  log(text);
  process.exit(2);
}

function number(text, name) {
  const value = Number(text);
  if (text === "" || !Number.isFinite(value) || value < 0) fail(`${name} wants a number from 0 up, not \`${text}\``);
  return value;
}

function transcriptFile(name) {
  if (existsSync(name)) return name;
  const known = fileURLToPath(new URL(`${name}.jsonl`, RECORDINGS));
  return existsSync(known) ? known : fail(`no recording \`${name}\``);
}

const { env } = process;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false, // codex takes options that mean nothing here, such as -c
  options: {
    transcript: { type: "string", default: env.REPLAY_TRANSCRIPT || "demo" },
    process: { type: "string", default: env.REPLAY_PROCESS || "1" },
    speed: { type: "string", default: env.REPLAY_SPEED || "1" },
    "token-ms": { type: "string", default: env.REPLAY_TOKEN_MS || "0" },
    autoplay: { type: "boolean", default: env.REPLAY_AUTOPLAY === "1" },
    "fresh-ids": { type: "boolean", default: env.REPLAY_FRESH_IDS === "1" },
    "exit-at-end": { type: "boolean", default: env.REPLAY_EXIT_AT_END === "1" },
    version: { type: "boolean" },
    help: { type: "boolean" },
  },
});

if (values.version) {
  console.log(`replay-codex, a stand-in that plays recordings of ${RECORDED_WITH}`);
} else if (values.help || positionals[0] !== "app-server") {
  (values.help ? console.log : console.error)(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  await appServer();
}

async function appServer() {
  const file = transcriptFile(values.transcript);
  const entries = readTape(file, { process: number(values.process, "--process"), freshIds: values["fresh-ids"] });
  log(`a stand-in for codex, playing ${basename(file)} (recorded from ${RECORDED_WITH})`);

  // Whoever reads this may be gone before the tape is over.
  process.stdout.on("error", () => process.exit(0));
  process.on("SIGTERM", () => process.exit(0));
  const write = (line) => new Promise((written) => process.stdout.write(`${line}\n`, written));

  const player = new Player(entries, {
    write,
    log,
    sleep,
    speed: number(values.speed, "--speed"),
    tokenMs: number(values["token-ms"], "--token-ms"),
    autoplay: values.autoplay,
    die({ signal, code }) {
      if (signal) process.kill(process.pid, signal);
      else process.exit(code);
    },
  });
  createInterface({ input: process.stdin, crlfDelay: Infinity })
    .on("line", (line) => player.receive(line))
    .on("close", () => process.exit(0));
  await player.play();
  if (values["exit-at-end"]) process.exit(0);
}
