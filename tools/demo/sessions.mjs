// What the bridge runs: the stand-in on recordings, or a real codex.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { findCodex, mockEnvironment, withoutConvex, writeConfig } from "../codex-kit/codex-home.mjs";
import { startMock } from "../codex-kit/mock-responses-server.mjs";

const STAND_IN = fileURLToPath(new URL("../replay-codex/replay-codex.mjs", import.meta.url));
const SCENARIO = new URL("../codex-kit/scenarios/demo.json", import.meta.url);
const RECORDINGS = new URL("../../tests/fixtures/transcripts/", import.meta.url);
/** The least pause between two tokens that an eye can follow. */
const TOKEN_MS = 35;

export class DemoError extends Error {
  constructor(code, message) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/**
 * What the bridge is told to run, and what the demo does in it by itself: how the thread is started, what is said first (nothing
 * where the visitor says it), and whether approvals are given or wait for the visitor.
 *
 * @typedef {{name: string, codex: object, drive: {thread: object, prompt?: string, turn?: object, approve: boolean}}} Session
 * @typedef {{describe: string, note?: string, sessions: Session[], close: () => Promise<void>}} Sessions  `note`: what a visitor should know
 */

/** What is played where nothing else is asked for: the first goes by itself, the others show what a visitor can do. */
const SHOWN = ["demo", "command-approved", "user-input", "interrupt", "big-output", "todo"];
const NOTHING_ELSE = "a stand-in answers what was recorded, and refuses what else is asked; --live has a codex that does it";
/** Recordings whose approvals the demo gives. */
const GOES_BY_ITSELF = "demo";

/**
 * @param {{records?: string[], speed: number, tokenMs?: number, isAttended: boolean}} options `isAttended`: somebody may look at the
 *   page; else all approvals are given
 * @returns {Sessions} stand-ins, one for each recording
 */
export function recordedSessions({ records, speed, tokenMs = TOKEN_MS, isAttended }) {
  const played = records ?? (isAttended ? SHOWN : SHOWN.slice(0, 1));
  const sessions = played.map((record) => ({
    name: record,
    codex: {
      codexBin: STAND_IN,
      cwd: process.cwd(),
      env: {
        REPLAY_TRANSCRIPT: record,
        REPLAY_SPEED: String(speed),
        REPLAY_TOKEN_MS: String(tokenMs),
        // A deployment that has seen this recording before takes it for a new session.
        REPLAY_FRESH_IDS: "1",
      },
    },
    drive: { ...recordedStart(record), approve: !isAttended || record === GOES_BY_ITSELF },
  }));
  const names = played.map((record) => `\`${record}\``).join(", ");
  const who = played.length === 1 ? "a stand-in for codex, playing a recording" : "a stand-in for codex each, playing recordings";
  return { describe: `${who} of codex-cli 0.169.0: ${names}`, note: NOTHING_ELSE, sessions, close: async () => {} };
}

/** How the recorded client began: what it started its thread with, and what it said. */
function recordedStart(record) {
  const file = new URL(`${encodeURIComponent(record)}.jsonl`, RECORDINGS);
  if (!existsSync(file)) {
    throw new DemoError("E_DEMO_NO_RECORDING", `no recording \`${record}\`; they are in tests/fixtures/transcripts`);
  }
  const said = readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line)).filter(({ dir }) => dir === "out");
  const paramsOf = (method) => said.find(({ msg }) => msg.method === method)?.msg.params;
  const [thread, turn] = [paramsOf("thread/start"), paramsOf("turn/start")];
  if (thread === undefined || turn === undefined) {
    throw new DemoError("E_DEMO_NO_RECORDING", `the recording \`${record}\` has no turn to show`);
  }
  // The recording's folder is none of this machine, and its thread another.
  const without = (params, ...names) => Object.fromEntries(Object.entries(params).filter(([name]) => !names.includes(name)));
  const prompt = turn.input.find(({ type }) => type === "text").text;
  return { thread: without(thread, "cwd"), prompt, turn: without(turn, "threadId", "input") };
}

/**
 * @param {{prompt?: string, isAttended: boolean, env?: object}} options
 * @returns {Promise<Sessions>} a real codex in a throw-away workspace: with your account where there is one, else with the scripted model
 */
export async function liveSession({ prompt, isAttended, env = process.env }) {
  const codexBin = findCodex(env);
  if (!codexBin) {
    const named = env.CODEX_BIN ? `CODEX_BIN is \`${env.CODEX_BIN}\`, which is no file that can be run` : "there is no codex on PATH";
    throw new DemoError("E_DEMO_NO_CODEX", `--live: ${named}; install it (npm install -g @openai/codex) or set CODEX_BIN to its path`);
  }
  const version = execFileSync(codexBin, ["--version"], { encoding: "utf8", env: withoutConvex(env) }).trim();
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), "codex-demo-")));
  const folder = (name) => {
    const made = path.join(root, name);
    mkdirSync(made);
    return made;
  };
  const workspace = folder("workspace");
  const scenario = JSON.parse(readFileSync(SCENARIO, "utf8"));
  for (const [name, text] of Object.entries(scenario.files)) writeFileSync(path.join(workspace, name), text);
  const { params } = scenario.steps.find(({ request }) => request === "turn/start");
  // Who looks at the page says what is to be done; where nobody does, the script.
  const first = prompt ?? (isAttended ? undefined : params.input[0].text);
  const drive = { ...(first === undefined ? {} : { prompt: first }), turn: { summary: params.summary }, approve: !isAttended };
  const remove = () => rmSync(root, { recursive: true, force: true });

  if (hasAccount(env)) {
    return {
      describe: `${version}, with your account; it may write only in ${workspace}`,
      sessions: [
        {
          name: "live",
          codex: { codexBin, cwd: workspace },
          // Where nobody watches for approvals, nothing can be approved: what the sandbox refuses stays refused.
          drive: { ...drive, thread: { cwd: workspace, approvalPolicy: isAttended ? "on-request" : "never", sandbox: "workspace-write" }, approve: false },
        },
      ],
      close: async () => remove(),
    };
  }
  const mock = await startMock(scenario.model);
  const home = folder("codex-home");
  writeConfig(home, mock.baseUrl, { config: scenario.config });
  return {
    describe: `${version}, without an account: a scripted model on 127.0.0.1 answers it`,
    sessions: [
      {
        name: "live",
        // Codex keeps no helpers under the temporary directory, so that has to be another.
        codex: { codexBin, cwd: workspace, env: { ...mockEnvironment(home), TMPDIR: folder("tmp") } },
        drive: { ...drive, thread: { cwd: workspace, approvalPolicy: "untrusted", sandbox: "danger-full-access" } },
      },
    ],
    async close() {
      await mock.close();
      remove();
    },
  };
}

function hasAccount(env) {
  const home = env.CODEX_HOME ?? path.join(homedir(), ".codex");
  return Boolean(env.OPENAI_API_KEY) || existsSync(path.join(home, "auth.json"));
}
