/** `bridge`: keeps a codex of this machine in a deployment until it is stopped. */
import { existsSync } from "node:fs";
import path from "node:path";
import { type Command, Option } from "commander";
import { AppServerError } from "../app-server/index.js";
import { withoutRequestId } from "../coded-error.js";
import { given } from "../given.js";
import { type CodexRuntime, createCodexRuntime } from "../runtime/codex-runtime.js";
import type { RefusedCommand } from "../runtime/command-delivery.js";
import { CodexRuntimeError, passedOn } from "../runtime/errors.js";
import type { CodexHostState, RuntimePhase } from "../runtime/types.js";
import { codexConfig, loginOf } from "./codex.js";
import type { Context } from "./context.js";
import { Deployment } from "./deployment.js";
import { type Told, tellOf, tellOfProblem } from "./errors.js";
import { addressOf, type CommonFlags, makeState, shownUrl, threadIdOf, threadIdsOf, tokenOf, urlOf, withOptions } from "./options.js";
import { noteOf, withRuntime } from "./outbox-folder.js";
import { oneLine, type Output } from "./output.js";
import { backlogOf, counted, statusLine } from "./status-line.js";

/** What `bridge` is told beside the options that are shared. */
interface BridgeFlags extends CommonFlags {
  thread?: string;
  resume?: string;
  new?: boolean;
  follow?: string[];
  attach?: string;
  remote: boolean;
}

/** Milliseconds from one drawing of the live line to the next. */
const REDRAW_MS = 1_000;
/** Units of codex's stderr that are printed. */
const LAST_WORDS_MAX = 300;
/** Units of a command's id that are printed: clients choose it. */
const ID_UNITS_MAX = 80;
/** Milliseconds in which the same problem is printed once. */
const SAME_PROBLEM_MS = 60_000;

const HELP = `
The bridge starts \`codex app-server\`, and brings everything that happens in its threads into the deployment.
What has happened waits in the state folder until the deployment has it: a crash or a day offline loses nothing.

With --thread it goes on in the codex thread that it had under that name before (--new begins another one);
with --resume in the one that is named; without either, codex begins a new thread each time.

With --attach it starts no codex of its own, and goes through one that runs already and listens, so that a terminal or
a desktop and the app have the same threads: codex app-server --listen unix:///path/of/the.sock. That one goes on when
the bridge stops, and its environment is what it was started with.

In a terminal a live line shows how it stands; otherwise each line of output has its time.
Ctrl-C (or SIGTERM) stops it: what is under way is sent first, for up to 10 s. A second one stops it at once.

What may be asked of this machine from afar is decided by policy.json in the state folder; --no-remote ends it.

Exit codes: 0 stopped, 1 failed (the code of the failure is printed), 2 the command line is wrong, or the state folder is another user's,
3 another machine or session has taken the thread: do not restart the bridge automatically then.

Examples:
  convex-codex-local bridge --url https://happy-otter-123.convex.cloud --token-file ~/.codex-token
  convex-codex-local bridge --thread my-thread --cwd ~/projects/shop        (CONVEX_URL and CODEX_DEVICE_TOKEN are set)
  convex-codex-local bridge --resume 019a3b5c-0000-7000-8000-000000000001 --json
`;

/** Adds the command. */
export function addBridge(program: Command, context: Context): void {
  const command = program
    .command("bridge")
    .summary("run codex, and keep it in the deployment")
    .description("Run codex, and keep what happens in it in the deployment, until it is stopped.")
    .option("--thread <name>", "the app's name for the thread; the next bridge goes on in it")
    .option("--resume <id>", "go on in this thread of codex's", threadIdOf)
    .option("--new", "begin a new thread of codex's under the name, not the one of the bridge before")
    .option("--follow <id...>", "further threads of codex's that are loaded and followed", threadIdsOf)
    .addOption(new Option("--attach <address>", "a codex that runs already, as its --listen says: unix:///path, ws://host:port").argParser(addressOf).conflicts("envDeny"))
    .option("--no-remote", "nothing may be asked of this machine from afar, and nothing is told of it");
  withOptions(command, "deployment", "state", "codex").addHelpText("after", HELP);
  command.action((flags: BridgeFlags) => context.run(flags, (output) => runBridge(flags, output, context)));
}

/** Runs the bridge. @returns when it was asked to stop, and has @throws what made it fail */
async function runBridge(flags: BridgeFlags, output: Output, context: Context): Promise<void> {
  const stop = context.stopAsked(output);
  const url = urlOf(flags);
  const deviceToken = tokenOf(flags, output);
  const { attach } = flags;
  const codex = attach === undefined ? codexConfig(flags, context.umask) : { attach };
  const state = makeState(flags);
  output.log(`${attach === undefined ? "starting codex" : `attaching to codex at ${attach}`} for ${shownUrl(url)}; what waits lies in ${state.folder}`, { type: "starting", url: shownUrl(url), state: state.folder });
  const asking = checkDeployment(url, flags.functions, deviceToken, output).then(() => false);
  if (await Promise.race([stop.then(() => true), asking])) {
    output.log("stopped", { type: "stopped" });
    return;
  }
  const watch = new Watch(output, flags);
  const runtime = createCodexRuntime({
    ...{ convexUrl: url, deviceToken, functions: flags.functions, outboxFolder: state.outbox, bridge: codex },
    remote: flags.remote ? { policyFile: state.policy, policyMayBeMissing: true } : false,
    handlers: {
      onState: (now) => watch.state(now),
      onProtocolError: (problem) => watch.problem(tellOfProblem(withLastWords(problem))),
      onCommandRefused: (refused) => watch.refused(refused),
      onEvent: ({ kind, turnId }) => watch.event(kind, turnId),
    },
  });
  watch.begin(runtime);
  try {
    const before = flags.resume ?? (flags.new === true ? undefined : await threadBefore(state.outbox, flags.thread));
    const running = begin(runtime, flags, before, watch).then(() => Promise.all([load(runtime, flags.follow ?? [], watch), checkLogin(runtime, output)]));
    await Promise.race([stop, watch.failed, running.then(() => new Promise<never>(() => undefined))]);
    output.log("stopping: what is under way is sent first", { type: "stopping" });
  } catch (thrown) {
    watch.isFailing = true;
    throw thrown;
  } finally {
    const left = await closing(runtime);
    watch.end();
    if (left > 0) output.log(`${counted(left, "event")} not sent yet: the next bridge sends them`, { type: "left", events: left });
    if (!watch.isFailing) output.log("stopped", { type: "stopped" });
  }
}

/** Starts the runtime in its thread; where codex has the one of before no longer, one that nothing was said in for example, in a new one. */
async function begin(runtime: CodexRuntime, { thread, resume, attach, cwd = "" }: BridgeFlags, before: string | undefined, watch: Watch): Promise<void> {
  const named = thread === undefined ? {} : { externalThreadId: thread };
  // A codex of somebody else's works elsewhere.
  const anew = { ...named, ...(attach === undefined ? {} : { cwd: path.resolve(cwd) }) };
  watch.isTrying = before !== undefined && resume === undefined;
  await runtime.start(before === undefined ? anew : { ...named, runtimeThreadId: before });
  try {
    await runtime.ready();
    watch.isTrying = false;
  } catch (thrown) {
    watch.isTrying = false;
    const code = thrown instanceof AppServerError ? thrown.code : undefined;
    // Why it ended was told before.
    if (code === "E_APP_SERVER_GONE") throw watch.lastError();
    if (before === undefined || resume !== undefined || code !== "E_APP_SERVER_REFUSED") throw thrown;
    watch.anew(tellOf(thrown));
    await runtime.stop();
    await runtime.start(anew);
    await runtime.ready();
  }
}

/** The thread of codex's that the bridge before had under a name; the newest. */
async function threadBefore(outbox: string, name: string | undefined): Promise<string | undefined> {
  if (name === undefined || !existsSync(outbox)) return undefined;
  return await withRuntime(outbox, ({ threads }) => {
    const named = threads.filter((thread) => noteOf(thread)?.names?.externalThreadId === name);
    return Promise.resolve(named.sort((one, other) => other.index - one.index)[0]?.threadId);
  });
}

/** Loads those that are followed, when the thread is there; one that codex does not have ends nothing. */
async function load(runtime: CodexRuntime, follow: readonly string[], watch: Watch): Promise<void> {
  // What Convex refused the thread with was told, and is why it never will be there.
  if (runtime.getState().threadId === null) throw watch.lastError();
  // None waits for another: Convex may have no room for one.
  const loading = follow.map(async (threadId) => {
    try {
      await runtime.followThread(threadId);
      watch.following(threadId);
    } catch (thrown) {
      const { code, message, ...more } = tellOf(thrown);
      const what = more.hint === undefined ? "" : ` (${more.hint})`;
      watch.problem({ code, message: `${threadId} is not followed: ${message}${what}`, ...more });
    }
  });
  await Promise.all(loading);
}

/** A codex that nobody is logged in to fails at its first turn, which may be long after. */
async function checkLogin(runtime: CodexRuntime, output: Output): Promise<void> {
  const login = await loginOf(runtime.appServer).catch(() => undefined);
  if (login === undefined || login.account !== null || !login.requiresOpenaiAuth) return;
  output.warn("codex is not logged in, so that no turn will run: codex login", { code: "E_CLI_CODEX_LOGGED_OUT", message: "codex is not logged in" });
}

/** Stops the runtime. @returns how many events it leaves behind */
async function closing(runtime: CodexRuntime): Promise<number> {
  let left = backlogOf(runtime.backlog());
  const counting = setInterval(() => {
    left = backlogOf(runtime.backlog());
  }, 50);
  await runtime.close();
  clearInterval(counting);
  return left;
}

/** A deployment that is away is waited for; one that refuses the bridge is told at once. */
async function checkDeployment(url: string, functions: string, deviceToken: string, output: Output): Promise<void> {
  const answer = await new Deployment(url, functions).ask(deviceToken);
  if (answer.type === "ok") return;
  const { code, message } = answer.told;
  if (answer.type !== "unreachable") throw new CodexRuntimeError(passedOn(code), message);
  output.warn(`${message}: what happens is kept until it does`, { code, message });
}

/** Why codex ended stands in what it wrote to stderr last. */
function withLastWords({ code, message, line }: { code: string; message: string; line: string }): { code: string; message: string } {
  const words = code === "E_BRIDGE_PROCESS_EXITED" ? oneLine(line, LAST_WORDS_MAX) : "";
  return { code, message: words === "" ? message : `${message}: ${words}` };
}

/** What of a runtime is printed. */
class Watch {
  /** Rejects when the runtime has failed. */
  readonly failed: Promise<never>;
  isFailing = false;
  /** The thread of before is asked for: where codex refuses it, a new one follows. */
  isTrying = false;
  readonly #output: Output;
  readonly #followed: number;
  /** What has ended where it is begun anew. */
  readonly #codex: string;
  #runtime: CodexRuntime | undefined;
  #fail: (error: Error) => void = () => undefined;
  #phase: RuntimePhase = "idle";
  #isReady = false;
  #requests = 0;
  #turnSince: number | undefined;
  #last: Told | undefined;
  readonly #printed = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(output: Output, { follow = [], attach }: BridgeFlags) {
    this.#output = output;
    this.#followed = follow.length;
    this.#codex = attach === undefined ? "codex" : "the connection to codex";
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  begin(runtime: CodexRuntime): void {
    this.#runtime = runtime;
    if (this.#output.isLive) this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#output.live("");
    this.#runtime = undefined;
  }

  state(state: CodexHostState): void {
    const { phase, threadId, runtimeThreadId, externalThreadId, turnInFlight, pendingServerRequestCount, lastError } = state;
    this.#turnSince = turnInFlight ? (this.#turnSince ?? Date.now()) : undefined;
    if (threadId !== null && !this.#isReady) {
      this.#isReady = true;
      const named = externalThreadId === null ? "" : ` (${externalThreadId})`;
      this.#output.log(`ready: codex's thread ${runtimeThreadId ?? ""} is ${threadId}${named} in the deployment`, { type: "ready", threadId, runtimeThreadId, externalThreadId });
    }
    if (pendingServerRequestCount > this.#requests) {
      this.#output.log("codex asks something: answer it in the app", { type: "request", waiting: pendingServerRequestCount });
    }
    this.#requests = pendingServerRequestCount;
    if (phase !== this.#phase && phase === "reconnecting") this.#output.log(`${this.#codex} ended: it is started again`, { type: "reconnecting" });
    this.#phase = phase;
    if (phase === "failed") {
      const told = lastError === null ? undefined : tellOf(new Error(lastError));
      // What no problem was told of is why it could not start; a thread that another has is why it ends, whatever was told before.
      if (told?.code === "E_SYNC_SESSION_DEVICE_MISMATCH") this.#last = told;
      else this.#last ??= told;
      this.#fail(this.lastError());
    }
    this.#draw();
  }

  event(kind: string, turnId: string | undefined): void {
    if (turnId === undefined) return;
    if (kind === "turn/started") this.#output.log(`turn ${turnId} began`, { type: "turnStarted", turnId });
    if (kind === "turn/completed") this.#output.log(`turn ${turnId} ended`, { type: "turnCompleted", turnId });
  }

  following(threadId: string): void {
    this.#output.log(`following ${threadId}`, { type: "following", threadId });
  }

  refused({ commandId, kind, threadId, code, message }: RefusedCommand): void {
    const why = message === undefined ? "" : `: ${message}`;
    this.#output.log(`refused a ${kind} from afar, ${oneLine(commandId, ID_UNITS_MAX)}, in ${threadId}${why} [${code}]`, { type: "refused", commandId, kind, threadId, code, ...given({ message }) });
  }

  /** Codex refused the thread of before: it has none where nothing was said in it. */
  anew({ message }: Told): void {
    this.#output.log(`codex no longer has the thread of before (it keeps none in which nothing was said), and begins a new one: ${message}`, { type: "anew", message });
  }

  problem(told: Told): void {
    const { code, message } = told;
    if (this.isTrying && code === "E_APP_SERVER_REFUSED") return;
    // That a process is gone follows why it ended; what codex lacks it goes on without.
    if (code !== "E_APP_SERVER_GONE" && code !== "E_UNSUPPORTED_BY_APP_SERVER") this.#last = told;
    const key = withoutRequestId(`${code} ${message}`);
    const now = Date.now();
    for (const [printed, at] of this.#printed) if (now - at >= SAME_PROBLEM_MS) this.#printed.delete(printed);
    if (!this.#printed.has(key)) {
      this.#printed.set(key, now);
      this.#output.log(`problem: ${message} [${code}]`, { type: "problem", ...told }, true);
    }
    // No event is taken with it any more: they wait for a bridge with another.
    const isToken = code === "E_AUTH_DEVICE_FORBIDDEN" || message.includes("E_AUTH_DEVICE_FORBIDDEN");
    if (isToken) this.#fail(new CodexRuntimeError(passedOn("E_AUTH_DEVICE_FORBIDDEN"), "the deployment takes this token no longer"));
  }

  /** What went wrong last, as an error. */
  lastError(): CodexRuntimeError {
    const { code, message } = this.#last ?? { code: "E_INTERNAL", message: "the runtime stopped by itself" };
    return new CodexRuntimeError(passedOn(code), message);
  }

  #draw(): void {
    if (this.#runtime === undefined || !this.#output.isLive) return;
    const { externalThreadId, runtimeThreadId } = this.#runtime.getState();
    const turnMs = this.#turnSince === undefined ? null : Date.now() - this.#turnSince;
    const [phase, requests, followed] = [this.#phase, this.#requests, this.#followed];
    this.#output.live(statusLine({ phase, thread: externalThreadId ?? runtimeThreadId, followed, turnMs, requests, backlog: backlogOf(this.#runtime.backlog()) }));
  }
}
