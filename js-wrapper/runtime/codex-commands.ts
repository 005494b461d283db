/** What commands from afar do to Codex, and what Codex's answers mean to who sent them. */
import type { AppServerClient, ClientRequestResult } from "../app-server/index.js";
import { approvalResult } from "../core/bridge.js";
import type { AnswerCommand, DecideCommand, RequestName } from "./claimed-command.js";
import type { CommandActions, CommandOutcome } from "./command-delivery.js";
import { codeOf, isRefusedByCodex } from "./errors.js";
import type { ServerRequest, ServerRequests } from "./server-requests.js";
import { outcomeOfStop, type StopOutcome } from "./stopping.js";
import type { LoadedThreads } from "./threads.js";

/** A process of codex, as commands reach it. */
export interface CommandedCodex {
  readonly client: Pick<AppServerClient, "requestUntyped">;
  readonly threads: LoadedThreads;
  readonly requests: ServerRequests;
  /** Resolves when a process runs and has a thread of Convex's; rejected where none will. Of another one than the runtime's own it waits for no more. */
  ready(threadId: string): Promise<void>;
  /** Ends a turn, and insists: `Stopping.stop`. */
  stop(id: string, turnId: string, force: boolean): Promise<StopOutcome>;
  /** The request that waits under a name; undefined where none does. */
  request(threadId: string, name: RequestName): ServerRequest | undefined;
  /** Whether it, or the item that it names, does not say all that it is about. */
  isRedacted(request: ServerRequest): boolean;
}

/** Makes what a mailbox gives its commands to. What they say passed the machine's policy, in words of whatever version: codex checks them. */
export function createCommandActions(codex: CommandedCodex): CommandActions {
  const { client, threads, requests } = codex;
  /** Does something in a thread of codex's, when that runs. Nothing was sent yet where it throws before. */
  async function within<Outcome>(threadId: string, act: (id: string) => Promise<Outcome>): Promise<Outcome | Refused> {
    try {
      await codex.ready(threadId);
    } catch (thrown) {
      return refused(codeOf(thrown));
    }
    const id = threads.idOf(threadId);
    if (id === undefined || !threads.isLoaded(id)) return refused("E_COMMAND_TARGET_GONE");
    try {
      return await act(id);
    } catch (thrown) {
      const code = codeOfRefusal(thrown);
      if (code === undefined) throw thrown;
      return refused(code);
    }
  }
  function answer({ request }: DecideCommand | AnswerCommand, result: (asked: ServerRequest) => unknown): CommandOutcome {
    // Since it was claimed, codex may have been started anew, and have asked something else by the same id.
    const isAnswered = requests.get(request.id) === request && requests.answer(request.id, result(request));
    return isAnswered ? { type: "accepted", turnId: request.turnId } : refused("E_REQUEST_NOT_PENDING");
  }
  return {
    turn: ({ threadId, params }) =>
      within(threadId, async (id) => {
        const { turn } = (await client.requestUntyped("turn/start", { threadId: id, ...params })) as ClientRequestResult<"turn/start">;
        return { type: "accepted" as const, turnId: turn.id };
      }),
    steer: ({ threadId, params }) =>
      within(threadId, async (id) => {
        const { turnId } = (await client.requestUntyped("turn/steer", { threadId: id, ...params })) as ClientRequestResult<"turn/steer">;
        return { type: "accepted" as const, turnId };
      }),
    interrupt: ({ threadId, turnId, force }) =>
      within(threadId, async (id) => outcomeOfStop(await codex.stop(id, turnId, force), turnId)),
    decide: (command) => {
      const decision = JSON.stringify(command.decision);
      return Promise.resolve(answer(command, ({ method, payloadJson }) => JSON.parse(approvalResult(method, payloadJson, decision))));
    },
    answer: (command) => Promise.resolve(answer(command, () => command.answer)),
  };
}

type Refused = Extract<CommandOutcome, { type: "refused" }>;

function refused(code: string): Refused {
  return { type: "refused", code };
}

/** Why codex refused; undefined where it did not, and may have done what was asked. */
function codeOfRefusal(thrown: unknown): string | undefined {
  if (!isRefusedByCodex(thrown)) return undefined;
  if (isNoSuchTurn(thrown)) return "E_COMMAND_TARGET_GONE";
  return thrown.code === "E_APP_SERVER_REFUSED" ? "E_COMMAND_REFUSED" : thrown.code;
}

/**
 * Whether codex refused because another turn runs, or none.
 *
 * SOURCE: app-server 0.169.0: "no active turn to interrupt", "no active turn to steer", "expected active turn id `a` but found `b`".
 */
export function isNoSuchTurn(thrown: unknown): boolean {
  return isRefusedByCodex(thrown) && /\bactive turn\b/.test(thrown.rpc.message);
}
