/** What became of a command, in Codex's own history: its message says which command it was. */
import { type TurnPage, turnPages } from "../app-server/turn-pages.js";
import type { DeliveredCommand } from "./command-delivery.js";

/** A turn of `thread/turns/list`, as far as it matters here: what else it has may be of any version. */
export interface EchoTurn {
  readonly id: string;
  readonly status?: unknown;
  readonly items?: readonly unknown[];
}

/** A page of `thread/turns/list`, newest first. */
export interface EchoPage {
  readonly data: readonly EchoTurn[];
  readonly nextCursor?: string | null;
}

/** Turns of a page, with all their items: a line of the app-server holds them all, and one over 64 MiB is dropped. */
export const ECHO_PAGE_TURNS = 5;

/** Pages that are looked through. A command is looked for where its process ended: behind it are the turns of a few minutes. */
export const ECHO_PAGES_MAX = 10;

/**
 * Makes what finds a command's echo.
 *
 * @param listTurns `thread/turns/list` of a thread of Convex's, with `limit` and `itemsView: "full"`
 * @returns the turn that holds the message of a turn or a steer; of an interrupt its turn, if that has ended; null where it is not there,
 *   and of an answer always: requests are gone with their process
 */
export function createEchoFinder(
  listTurns: (threadId: string, page: TurnPage) => Promise<EchoPage>,
): (command: DeliveredCommand) => Promise<{ turnId: string } | null> {
  return async ({ threadId, kind, echoId, turnId }) => {
    if (kind === "decide" || kind === "answer") return null;
    const isIt = kind === "interrupt" ? (turn: EchoTurn) => turn.id === turnId : (turn: EchoTurn) => holdsEcho(turn, echoId);
    let pages = 0;
    for await (const { data } of turnPages((page) => listTurns(threadId, page), ECHO_PAGE_TURNS)) {
      const turn = data.find(isIt);
      if (turn !== undefined) return kind === "interrupt" && turn.status === "inProgress" ? null : { turnId: turn.id };
      if (++pages === ECHO_PAGES_MAX) return null;
    }
    return null;
  };
}

function holdsEcho({ items = [] }: EchoTurn, echoId: string): boolean {
  return items.some((item) => {
    const { type, clientId } = item as { type?: unknown; clientId?: unknown };
    return type === "userMessage" && clientId === echoId;
  });
}
