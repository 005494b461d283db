// What the bridge runs: the stand-in on a recording, or a real codex.
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

/** @typedef {{describe: string, codex: object, drive: object | null, close: () => Promise<void>}} Session what the bridge is told to run */

/** @returns {Session} the stand-in, which plays the whole session by itself */
export function recordedSession({ record, speed, tokenMs = TOKEN_MS }) {
  if (!existsSync(new URL(`${encodeURIComponent(record)}.jsonl`, RECORDINGS))) {
    throw new DemoError("E_DEMO_NO_RECORDING", `no recording \`${record}\`; they are in tests/fixtures/transcripts`);
  }
  const env = {
    REPLAY_TRANSCRIPT: record,
    REPLAY_SPEED: String(speed),
    REPLAY_TOKEN_MS: String(tokenMs),
    REPLAY_AUTOPLAY: "1",
    // A deployment that has seen this recording before takes it for a new session.
    REPLAY_FRESH_IDS: "1",
    REPLAY_EXIT_AT_END: "1",
  };
  return {
    describe: `a stand-in for codex, playing the recording \`${record}\` of codex-cli 0.169.0`,
    codex: { codexBin: STAND_IN, cwd: process.cwd(), env },
    drive: null,
    close: async () => {},
  };
}

/** @returns {Promise<Session>} a real codex in a throw-away workspace: with your account where there is one, else with the scripted model */
export async function liveSession(env = process.env) {
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
  const session = { prompt: params.input[0].text, turn: { summary: params.summary } };
  const remove = () => rmSync(root, { recursive: true, force: true });

  if (hasAccount(env)) {
    return {
      describe: `${version}, with your account; it may write only in ${workspace}`,
      codex: { codexBin, cwd: workspace },
      // Nobody watches for approvals here, so nothing can be approved: what the sandbox refuses stays refused.
      drive: { ...session, thread: { cwd: workspace, approvalPolicy: "never", sandbox: "workspace-write" }, approve: false },
      close: async () => remove(),
    };
  }
  const mock = await startMock(scenario.model);
  const home = folder("codex-home");
  writeConfig(home, mock.baseUrl, { config: scenario.config });
  return {
    describe: `${version}, without an account: a scripted model on 127.0.0.1 answers it`,
    // Codex keeps no helpers under the temporary directory, so that has to be another.
    codex: { codexBin, cwd: workspace, env: { ...mockEnvironment(home), TMPDIR: folder("tmp") } },
    drive: { ...session, thread: { cwd: workspace, approvalPolicy: "untrusted", sandbox: "danger-full-access" }, approve: true },
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
