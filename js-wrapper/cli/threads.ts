/** `threads`: what codex has on this machine. */
import type { Command } from "commander";
import type { AppServerClient } from "../app-server/index.js";
import type { Thread } from "../protocol/generated/types.js";
import { codexConfig, withAppServer } from "./codex.js";
import type { Context } from "./context.js";
import { type CommonFlags, countOf, withOptions } from "./options.js";
import { oneLine, type Output, table } from "./output.js";

interface ThreadsFlags extends CommonFlags {
  limit: number;
  archived?: boolean;
}

const LIMIT_DEFAULT = 20;
/** Threads that are asked for at once. */
const PAGE_MAX = 50;
/** Units of a thread's first words that are shown. */
const NAME_UNITS_MAX = 60;
const SECOND_MS = 1_000;

const HELP = `
The newest come first. Nothing is sent anywhere: codex is asked, on this machine.

Exit codes: 0 done, 1 failed (the code of the failure is printed), 2 the command line is wrong.

Examples:
  convex-codex-local threads
  convex-codex-local threads --limit 200 --json | jq -r .id
`;

/** Adds the command. */
export function addThreads(program: Command, context: Context): void {
  const command = program
    .command("threads")
    .summary("list codex's own threads")
    .description("List the threads that codex has on this machine.")
    .option("--limit <count>", "how many at most", countOf, LIMIT_DEFAULT)
    .option("--archived", "those that are archived, instead of the others");
  withOptions(command, "codex").addHelpText("after", HELP);
  command.action((flags: ThreadsFlags) => context.run(flags, (output) => listThreads(flags, output, context.umask)));
}

async function listThreads(flags: ThreadsFlags, output: Output, umask: number): Promise<void> {
  const { threads, more } = await withAppServer(codexConfig(flags, umask), (client) => codexThreads(client, flags.limit, flags.archived === true));
  if (output.isJson) for (const thread of threads) output.result("", rowOf(thread));
  else if (threads.length === 0) output.result(`codex has no ${flags.archived === true ? "archived " : ""}threads on this machine`, {});
  else output.result(table(["ID", "UPDATED", "FOLDER", "NAME"], threads.map(rowOf).map(({ id, updatedAt, cwd, name }) => [id, updatedAt ?? "", cwd, name])), {});
  if (more) output.note(`there are more: --limit shows more than ${String(flags.limit)}`);
}

/** Codex's threads, newest first, page by page. @param limit how many at most; Infinity for all */
export async function codexThreads(client: AppServerClient, limit: number, archived = false): Promise<{ threads: Thread[]; more: boolean }> {
  const threads: Thread[] = [];
  let cursor: string | null = null;
  do {
    const page: { data: Thread[]; nextCursor: string | null } = await client.request("thread/list", {
      limit: Math.min(PAGE_MAX, limit - threads.length),
      ...(cursor === null ? {} : { cursor }),
      ...(archived ? { archived } : {}),
    });
    threads.push(...page.data);
    cursor = page.nextCursor;
  } while (cursor !== null && threads.length < limit);
  return { threads: threads.slice(0, limit), more: cursor !== null };
}

/** What of a thread is shown. What an app-server says is not trusted to be all there. */
export function rowOf({ id, name, preview, cwd, updatedAt }: Partial<Thread>): { id: string; name: string; cwd: string; updatedAt: string | null } {
  const isTold = typeof updatedAt === "number" && Math.abs(updatedAt) < 8.64e12;
  const at = isTold ? new Date(updatedAt * SECOND_MS).toISOString().replace(/\.\d+Z$/, "Z") : null;
  return { id: id ?? "", name: oneLine(name ?? preview ?? "", NAME_UNITS_MAX), cwd: cwd ?? "", updatedAt: at };
}
