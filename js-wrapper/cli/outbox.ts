/** `outbox`: what waits on this machine, and what the deployment refused for good. */
import type { Command } from "commander";
import { given } from "../given.js";
import { type DeadLetter, deleteOutbox, type Outbox } from "../outbox/index.js";
import type { Context } from "./context.js";
import { CliError } from "./errors.js";
import { type CommonFlags, countOf, outboxOf, withOptions } from "./options.js";
import { lookAt, withOutbox } from "./outbox-folder.js";
import { type Output, reasonOf, table } from "./output.js";
import { backlogOf, counted } from "./status-line.js";

interface ShowFlags extends CommonFlags {
  payload?: boolean;
}

interface LetterFlags extends CommonFlags {
  all?: boolean;
}

interface DeleteFlags extends CommonFlags {
  lose?: boolean;
}

const HELP = `
What has happened waits in the outbox until the deployment has it. What the deployment refuses for good becomes a
dead letter: it is kept (the newest 1,000), and a stub takes its place in the thread.

A folder is one process's: while a bridge runs with it, these commands answer E_OUTBOX_LOCKED.

Exit codes: 0 done, 1 failed (the code of the failure is printed), 2 the command line is wrong.

Examples:
  convex-codex-local outbox show
  convex-codex-local outbox show --payload --json | jq .event
  convex-codex-local outbox resend 17 18
  convex-codex-local outbox drop --all
  convex-codex-local outbox delete --lose
`;

/** Adds the command. */
export function addOutbox(program: Command, context: Context): void {
  const outbox = program.command("outbox").summary("look at what waits, send again or drop what was refused").description("Show what waits to be sent and what was refused; send the latter again, or drop it.").addHelpText("after", HELP);
  const show = outbox.command("show").description("Show what waits, thread by thread, and the dead letters.").option("--payload", "with what the events say (known secrets are taken out of it already)");
  const resend = outbox.command("resend").argument("[number...]", "of dead letters", numbers).description("Put dead letters back: the next bridge sends them.").option("--all", "every one");
  const drop = outbox.command("drop").argument("[number...]", "of dead letters", numbers).description("Forget dead letters.").option("--all", "every one");
  const all = outbox.command("delete").description("Delete all that this machine keeps of the deployment's threads: what waits, the dead letters, and the bridge's own id. The policy stays.").option("--lose", "what waits too, which the deployment then never gets");
  for (const command of [show, resend, drop, all]) withOptions(command, "address", "state").addHelpText("after", HELP);
  show.action((flags: ShowFlags) => context.run(flags, (output) => showOutbox(flags, output)));
  resend.action((chosen: number[] | undefined, flags: LetterFlags) => context.run(flags, (output) => mend("resent", chosen, flags, output)));
  drop.action((chosen: number[] | undefined, flags: LetterFlags) => context.run(flags, (output) => mend("dropped", chosen, flags, output)));
  all.action((flags: DeleteFlags) => context.run(flags, (output) => deleteAll(flags, output)));
}

function numbers(text: string, before: number[] | undefined): number[] {
  // The first letter of an outbox is 0.
  return [...(before ?? []), text === "0" ? 0 : countOf(text)];
}

async function showOutbox(flags: ShowFlags, output: Output): Promise<void> {
  const { backlog, letters } = await lookAt(outboxOf(flags));
  for (const { threadId, events, oldestEventAt, notTaken } of backlog) {
    if (output.isJson) output.result("", { type: "waiting", threadId, events, ...given({ oldestEventAt, notTaken: notTaken === undefined ? undefined : reasonOf(notTaken) }) });
  }
  for (const letter of letters) if (output.isJson) output.result("", { type: "letter", ...metadata(letter), ...(flags.payload === true ? { event: letter.event } : {}) });
  if (output.isJson) return;
  output.result(`${counted(backlogOf(backlog), "event")} to send, ${counted(letters.length, "dead letter")}`, {});
  const waiting = backlog.map(({ threadId, events, oldestEventAt, notTaken }) =>
    [threadId, String(events), oldestEventAt === undefined ? "" : timeOf(oldestEventAt), notTaken === undefined ? "" : reasonOf(notTaken)]);
  if (waiting.length > 0) output.result(`\n${table(["THREAD", "EVENTS", "SINCE", "NOT TAKEN"], waiting)}`, {});
  if (letters.length === 0) return;
  const rows = letters.map((letter) => {
    const { number, at, threadId, kind, bytes, code, reason } = metadata(letter);
    return [String(number), timeOf(at), threadId, kind, String(bytes), `${code}: ${reason}`];
  });
  output.result(`\n${table(["NUMBER", "REFUSED", "THREAD", "KIND", "BYTES", "WHY"], rows)}`, {});
  if (flags.payload === true) for (const { seq, event } of letters) output.result(`\n${String(seq)}:\n${event.payloadJson}`, {});
}

/** What of a dead letter says nothing of its content. */
export function metadata({ seq, event, code, message, at }: DeadLetter): { number: number; at: number; threadId: string; turnId?: string; kind: string; bytes: number; code: string; reason: string } {
  const { threadId, turnId, kind, payloadJson } = event;
  const turn = turnId === undefined ? {} : { turnId };
  return { number: seq, at, threadId, ...turn, kind, bytes: Buffer.byteLength(payloadJson), code, reason: reasonOf(message.replace(`[${code}] `, "")) };
}

const timeOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

async function mend(done: "resent" | "dropped", chosen: number[] | undefined, flags: LetterFlags, output: Output): Promise<void> {
  const isAll = flags.all === true;
  if (isAll === (chosen !== undefined && chosen.length > 0)) {
    throw new CliError("E_CLI_USAGE", isAll ? "either numbers or --all, not both" : "which ones? Give their numbers (`outbox show` lists them), or --all");
  }
  const mended = await withOutbox(outboxOf(flags), (outbox) => mendIn(outbox, done, isAll ? undefined : chosen));
  const words = done === "resent" ? `${counted(mended.length, "dead letter")} back in the queue: the next bridge sends ${mended.length === 1 ? "it" : "them"}` : `${counted(mended.length, "dead letter")} dropped`;
  output.result(words, { type: done, numbers: mended });
}

async function deleteAll(flags: DeleteFlags, output: Output): Promise<void> {
  const folder = outboxOf(flags);
  const { backlog, letters } = await lookAt(folder);
  const [events, letterCount] = [backlogOf(backlog), letters.length];
  if (events + letterCount > 0 && flags.lose !== true) {
    const kept = `${counted(events, "event")} to send and ${counted(letterCount, "dead letter")}`;
    throw new CliError("E_CLI_USAGE", `${kept} would be lost: nothing was deleted; \`--lose\` says that they may be`);
  }
  await deleteOutbox(folder);
  output.result(`the outbox is deleted: ${counted(events, "event")} and ${counted(letterCount, "dead letter")} were lost`, { type: "deleted", events, letters: letterCount });
}

async function mendIn(outbox: Outbox, done: "resent" | "dropped", chosen: number[] | undefined): Promise<number[]> {
  const there = (await outbox.letters()).map(({ seq }) => seq);
  const wanted = [...new Set(chosen ?? there)];
  mendNone(wanted.filter((number) => !there.includes(number)));
  for (const number of wanted) await (done === "resent" ? outbox.resend(number) : outbox.forget(number));
  return wanted;
}

function mendNone(missing: number[] | undefined): number[] {
  if (missing === undefined || missing.length === 0) return [];
  throw new CliError("E_CLI_LETTER_NOT_FOUND", `there is no dead letter ${missing.join(", ")}: nothing was done`);
}
