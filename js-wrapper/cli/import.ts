/** `import`: brings the history of codex's threads into the deployment; it can be stopped, and goes on where it stopped. */
import type { Command } from "commander";
import { type AppServerClient, AppServerError } from "../app-server/index.js";
import { type TurnPage, turnPages } from "../app-server/turn-pages.js";
import { redactTurn } from "../bridge/index.js";
import { given } from "../given.js";
import { type AppServerTurn, historyPage } from "../host/history.js";
import { GONE } from "../runtime/convex-delivery.js";
import { ECHO_PAGE_TURNS } from "../runtime/echo.js";
import { Ownership } from "../runtime/ownership.js";
import type { CodexPersistence } from "../runtime/persistence.js";
import type { Agent } from "../runtime/threads.js";
import { codexConfig, isTooLong, LINE_TOO_LONG, withAppServer } from "./codex.js";
import { type Context, unlessStopped } from "./context.js";
import { Deployment } from "./deployment.js";
import { CliError, tellOf } from "./errors.js";
import { type CommonFlags, makeState, threadIdsOf, tokenOf, urlOf, withOptions } from "./options.js";
import { noteOf, type RuntimeOf, withRuntime } from "./outbox-folder.js";
import type { Output } from "./output.js";
import { counted } from "./status-line.js";
import { codexThreads } from "./threads.js";

interface ImportFlags extends CommonFlags {
  all?: boolean;
  restart?: boolean;
}

const HELP = `
Ctrl-C stops it between two pages; the same command goes on where it stopped, also after a failure. A thread whose
history is there already is passed over quickly: only what is new is sent. --restart goes through all of it again.

It needs the state folder for itself: stop the bridge first. A thread of codex's that the bridge keeps under the
app's own name is imported into that one. A sub-agent's comes under the thread that began it, where that is there.
A thread that is named is taken from another machine that writes it; --all leaves such a one out.

Exit codes: 0 all of it is imported, 1 failed or stopped (the code is printed), 2 the command line is wrong, or the state folder is another user's,
3 another machine or session has the thread.

Examples:
  convex-codex-local import 019a3b5c-0000-7000-8000-000000000001
  convex-codex-local import --all --json
`;

/** Adds the command. */
export function addImport(program: Command, context: Context): void {
  const command = program
    .command("import")
    .summary("bring the history of codex's threads into the deployment")
    .description("Bring the history of codex's own threads into the deployment.")
    .argument("[threadId...]", "codex's ids of threads (`threads` lists them)", threadIdsOf)
    .option("--all", "every thread that codex has on this machine, but for archived ones")
    .option("--restart", "go through the history again from its beginning");
  withOptions(command, "deployment", "state", "codex").addHelpText("after", HELP);
  command.action((threadIds: string[] | undefined, flags: ImportFlags) => context.run(flags, (output) => runImport(threadIds ?? [], flags, output, context)));
}

async function runImport(threadIds: readonly string[], flags: ImportFlags, output: Output, context: Context): Promise<void> {
  const isAll = flags.all === true;
  if (isAll === threadIds.length > 0) throw new CliError("E_CLI_USAGE", isAll ? "either ids of threads or --all, not both" : "which threads? Give codex's ids (`threads` lists them), or --all");
  const url = urlOf(flags);
  const deviceToken = tokenOf(flags, output);
  const config = codexConfig(flags, context.umask);
  const { outbox: folder } = makeState(flags);
  const stopped = context.stopSignal(output);
  const persistence = new Deployment(url, flags.functions).persistence(deviceToken);
  await withRuntime(folder, async (runtime) => {
    const ownership = new Ownership(runtime, persistence);
    await unlessStopped(stopped, ownership.passed());
    await withAppServer(config, async (client) => {
      const ids = isAll ? (await codexThreads(client, Infinity)).threads.map(({ id }) => id) : threadIds;
      const failed: string[] = [];
      const parts = { client, persistence, runtime, output, stopped, restart: flags.restart === true, isNamed: !isAll, ownership };
      const agents: Agent[] = [];
      for (const id of ids) {
        try {
          const parentId = await importThread(id, parts);
          if (parentId !== undefined) agents.push({ id, parentId });
        } catch (thrown) {
          stopped.throwIfAborted();
          // One of many that is refused does not end the others; what any would meet does.
          const told = tellOf(isTooLong(thrown) ? thrown.cause : thrown);
          if (!isAll || !isOfThread(told.code)) throw thrown;
          failed.push(id);
          output.warn(`${id} is left out: ${told.message} [${told.code}]`, { threadId: id, ...told });
        }
      }
      // Behind them all: a parent may come after its agents.
      for (const agent of agents) await linkAgent(agent, parts);
      output.live("");
      output.note(`${counted(ids.length - failed.length, "thread")} imported${failed.length === 0 ? "" : `, ${String(failed.length)} left out`}`, { type: "end", imported: ids.length - failed.length, failed: failed.length });
      if (failed.length > 0) context.exitCode = 1;
    });
  }).catch((thrown: unknown) => {
    // A signal of the terminal ends codex too.
    stopped.throwIfAborted();
    throw thrown;
  });
}

const isOfThread = (code: string): boolean => code === LINE_TOO_LONG || code.startsWith("E_THREAD_") || code.startsWith("E_APP_SERVER_") || code.startsWith("E_SYNC_");

type Status = Awaited<ReturnType<CodexPersistence["importHistory"]>>;

interface ImportParts {
  readonly client: AppServerClient;
  readonly persistence: CodexPersistence;
  readonly runtime: RuntimeOf;
  readonly ownership: Ownership;
  readonly output: Output;
  readonly stopped: AbortSignal;
  readonly restart: boolean;
  /** It is taken from whoever writes it; else only where nobody does. */
  readonly isNamed: boolean;
}

/** Imports a thread. @returns codex's id of the thread whose agent it is, where it is one */
async function importThread(id: string, { client, persistence, runtime, output, stopped, restart, isNamed, ownership }: ImportParts): Promise<string | undefined> {
  stopped.throwIfAborted();
  const { thread } = await client.request("thread/read", { threadId: id, includeTurns: false });
  const { historyMode, parentThreadId } = thread as Partial<typeof thread>;
  // Where the bridge with this folder keeps it, if it does.
  const { bound, names } = noted(runtime, id) ?? {};
  // The session of the bridge with this state folder: it goes on writing the thread.
  const { runtimeId: sessionId, generation } = runtime;
  const statusIn = async (threadId: string): Promise<Status | null> => {
    if (isNamed) await persistence.ensureSession({ sessionId, threadId, runtimeId: sessionId, generation });
    return await persistence.getImportStatus({ threadId });
  };
  const made = async (): Promise<string> => (await persistence.ensureThread({ localThreadId: id, externalThreadId: names?.externalThreadId })).threadId;
  let threadId = bound?.threadId ?? (await made());
  let known: Status | null;
  try {
    known = await statusIn(threadId);
  } catch (thrown) {
    if (bound === undefined || !ownership.isSame || tellOf(thrown).code !== GONE) throw thrown;
    // The deployment has it no more: as the bridge does, by its name.
    threadId = await made();
    known = await statusIn(threadId);
  }
  let status = restart ? null : known;
  const begun = status;
  const mode = given({ historyMode });
  let [turns, isFirst] = [0, true];
  for await (const page of pagesOf(client, id, stopped)) {
    const before = turns;
    turns += page.turns.length;
    // A page that is passed over is not looked at.
    let redacted: readonly AppServerTurn[] | undefined;
    // The last one is sent though it is there already: that it is the last is said with it.
    let isSent = false;
    while (page.isLast ? !isSent || status?.status !== "completed" : (status?.position.turn ?? 0) < turns) {
      stopped.throwIfAborted();
      const { turn, item } = status?.position ?? { turn: 0, item: 0 };
      redacted ??= page.turns.map((one) => redactTurn(one));
      const { position, atEnd, ...sent } = await historyPage(redacted, { turn: turn - before, item });
      const place = { position: { ...position, turn: position.turn + before }, atEnd: atEnd && page.isLast };
      status = await persistence.importHistory({ sessionId, threadId, ...mode, ...sent, ...place, ...(restart && isFirst ? { restart } : {}) });
      [isSent, isFirst] = [true, false];
      progress(output, id, status);
    }
  }
  if (status === null) throw new Error("the history has no last page");
  const isNothingNew = begun?.status === "completed" && status.position.turn === begun.position.turn && status.importedItems === begun.importedItems;
  const items = counted(status.importedItems, "item");
  const aside = status.quarantined === 0 ? "" : `, ${counted(status.quarantined, "item")} malformed and kept aside`;
  output.result(`${id}: ${isNothingNew ? "nothing new, " : ""}${counted(turns, "turn")}, ${items} imported${aside}`, { type: "imported", threadId: id, inConvex: threadId, turns, items: status.importedItems, quarantined: status.quarantined });
  return parentThreadId ?? undefined;
}

/** Puts an agent's thread under its parent's. Where that is not in the deployment, the agent's history is imported all the same. */
async function linkAgent({ id, parentId }: Agent, { persistence, runtime, output }: ImportParts): Promise<void> {
  const names = given({ externalThreadId: noted(runtime, id)?.names?.externalThreadId });
  try {
    await persistence.linkThread({ localThreadId: id, ...names, parentThreadId: noted(runtime, parentId)?.bound?.threadId ?? parentId });
  } catch (thrown) {
    const told = tellOf(thrown);
    output.warn(`${id} is not under the thread whose agent it is, ${parentId}: ${told.message} [${told.code}]`, { threadId: id, ...told });
  }
}

const noted = ({ threads }: RuntimeOf, id: string): ReturnType<typeof noteOf> => noteOf(threads.find(({ threadId }) => threadId === id));

function progress(output: Output, id: string, { position: { turn }, importedItems: items }: { position: { turn: number }; importedItems: number }): void {
  output.live(`${id}: ${counted(turn, "turn")}, ${counted(items, "item")}`);
  if (output.isJson) output.result("", { type: "progress", threadId: id, turn, items });
}

/** Turns of a thread, with their items, and whether none is behind them. */
interface HistoryPage {
  readonly turns: readonly AppServerTurn[];
  readonly isLast: boolean;
}

/** A thread's history, oldest turn first; a page that codex cannot say in one line is asked for in smaller ones. An older codex is asked for it whole. */
async function* pagesOf(client: AppServerClient, threadId: string, stopped: AbortSignal): AsyncGenerator<HistoryPage> {
  let isWhole = false;
  const list = async (page: TurnPage): Promise<{ data: readonly AppServerTurn[]; nextCursor: string | null }> => {
    stopped.throwIfAborted();
    const { limit, cursor } = page;
    try {
      return await client.request("thread/turns/list", { threadId, limit, sortDirection: "asc", itemsView: "full", ...(cursor === null ? {} : { cursor }) });
    } catch (thrown) {
      if (cursor !== null || !(thrown instanceof AppServerError) || thrown.rpc === undefined) throw thrown;
      isWhole = true;
      const { thread } = await client.request("thread/read", { threadId, includeTurns: true });
      return { data: thread.turns, nextCursor: null };
    }
  };
  for await (const { data, nextCursor } of turnPages(list, ECHO_PAGE_TURNS, (thrown) => !isWhole && isTooLong(thrown))) {
    yield { turns: data, isLast: nextCursor === null };
  }
}
