/** `replay`: plays a recording of an app-server into a deployment, as if it happened. */
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { createCodexRuntime } from "../runtime/codex-runtime.js";
import { CodexRuntimeError, passedOn } from "../runtime/errors.js";
import { type Context, unlessStopped } from "./context.js";
import { Deployment } from "./deployment.js";
import { type Told, tellOfProblem } from "./errors.js";
import { type CommonFlags, speedOf, tokenOf, urlOf, withOptions } from "./options.js";
import type { Output } from "./output.js";
import { readRecording, REPLAY_ENDED } from "./recording.js";
import { backlogOf, counted } from "./status-line.js";

interface ReplayFlags extends CommonFlags {
  speed: number;
  thread?: string;
  keepIds?: boolean;
}

const TAPE = fileURLToPath(new URL("tape.js", import.meta.url));
/** Milliseconds from one look at what is left to send to the next. */
const LOOK_MS = 100;

/** Problems after which the deployment will not have all of it; others are the recording's, or pass. */
const ENDS = /^E_(OUTBOX|AUTH|THREAD|SYNC|QUOTA|CLI_FUNCTION|BRIDGE_PROCESS|BRIDGE_SPAWN|APP_SERVER)/;

const HELP = `
No codex, no model and no command is run. Threads and turns get new ids each time, unless --keep-ids is given; what
the recording's client answered is not sent again. It is done when the deployment has all of it.

Exit codes: 0 the deployment has all of it, 1 failed or stopped (the code is printed), 2 the command line is wrong.

Examples:
  convex-codex-local replay session.jsonl --speed 10
  convex-codex-local replay session.jsonl --speed 0 --thread demo --json
`;

/** Adds the command. */
export function addReplay(program: Command, context: Context): void {
  const command = program
    .command("replay")
    .summary("play a recording into the deployment")
    .description("Play a recording of an app-server into the deployment, as if it happened.")
    .argument("<file>", 'lines of JSON: {"dir": "in" | "out" | "proc", "t": milliseconds, "msg": …}')
    .option("--speed <factor>", "1 is the recording's own pace, 10 ten times as fast, 0 without pauses", speedOf, 1)
    .option("--thread <name>", "the app's name for the recording's first thread")
    .option("--keep-ids", "the ids of the recording");
  withOptions(command, "deployment").addHelpText("after", HELP);
  command.action((file: string, flags: ReplayFlags) => context.run(flags, (output) => replay(file, flags, output, context)));
}

async function replay(file: string, flags: ReplayFlags, output: Output, context: Context): Promise<void> {
  const stopped = context.stopSignal(output);
  const url = urlOf(flags);
  const deviceToken = tokenOf(flags, output);
  const { said } = readRecording(file, true);
  const answer = await unlessStopped(stopped, new Deployment(url, flags.functions).ask(deviceToken));
  if (answer.type !== "ok") throw new CodexRuntimeError(passedOn(answer.told.code), answer.told.message);
  const played: { isOver: boolean; events: number; fatal?: Told } = { isOver: false, events: 0 };
  const runtime = createCodexRuntime({
    ...{ convexUrl: url, deviceToken, functions: flags.functions, remote: false },
    bridge: { codexBin: process.execPath, args: [TAPE, path.resolve(file), String(flags.speed), flags.keepIds === true ? "keep" : "fresh"] },
    handlers: {
      onEvent: () => void (played.events += 1),
      onGlobalMessage: (message) => {
        if ("method" in message && message.method === REPLAY_ENDED) played.isOver = true;
      },
      onProtocolError: (problem) => {
        const told = tellOfProblem(problem);
        if (ENDS.test(told.code)) played.fatal ??= told;
        else output.warn(`${told.message} [${told.code}]`, told);
      },
    },
  });
  try {
    await runtime.start(flags.thread === undefined ? {} : { externalThreadId: flags.thread });
    const left = () => backlogOf(runtime.backlog());
    // What was read last may be on its way to the disk when nothing seems to wait: it is looked twice.
    for (let quiet = 0; quiet < 2; quiet = played.isOver && left() === 0 ? quiet + 1 : 0) {
      stopped.throwIfAborted();
      if (played.fatal !== undefined) throw new CodexRuntimeError(passedOn(played.fatal.code), played.fatal.message);
      output.live(`${played.isOver ? "played" : "playing"}: ${counted(played.events, "event")}, ${String(left())} to send`);
      await pause(LOOK_MS);
    }
    await runtime.ready();
    const { threadId } = runtime.getState();
    const { events } = played;
    output.live("");
    output.result(`${counted(events, "event")} of ${counted(said.length, "message")} played into the thread ${threadId ?? ""}`, { type: "replayed", threadId, events, messages: said.length });
  } finally {
    output.live("");
    await runtime.close();
  }
}
