import type { CodexComponent, CodexHistoryPlace, CodexHistoryTurn, CodexImportStatus, HostMutationCtx, HostQueryCtx } from "./component.js";
import { storableItem } from "./oversize.js";
import type { HostActorContext } from "./validators.js";

type InThread = { actor: HostActorContext; threadId: string };
type Page = {
  sessionId: string;
  historyMode?: string | undefined;
  restart?: boolean | undefined;
  position: CodexHistoryPlace;
  turns: CodexHistoryTurn[];
  atEnd?: boolean | undefined;
};

/** A turn as `thread/read` (with its turns) and `thread/turns/list` answer it. */
export type AppServerTurn = { id: string; items: readonly unknown[] };

/**
 * A page of a thread's history, from the turns that the app-server answers, oldest first: from a place on, as many items as
 * `bytesMax` allows, one at least. What is behind it, the next page holds. An item of over 3 MiB is cut down to what of it is small,
 * with `oversize: {bytes, sha256}`; its message says `payloadTruncated`.
 *
 * It looks for no secrets, and neither does what stores the page: pass each turn through `redactTurn` of `./bridge` before.
 *
 * @param turns all turns of the history, oldest first
 * @param position where the page begins, as the import's status has it
 * @param bytesMax UTF-16 units of the page's JSON, 4 Mi where it is not given; an argument of Convex may hold 16 MiB
 * @returns the arguments `position`, `turns` and `atEnd` of {@link importHistoryForActor}
 */
export async function historyPage(
  turns: readonly AppServerTurn[],
  position: CodexHistoryPlace = { turn: 0, item: 0 },
  bytesMax = 4 * 1024 * 1024,
): Promise<{ position: CodexHistoryPlace; turns: CodexHistoryTurn[]; atEnd: boolean }> {
  const page: CodexHistoryTurn[] = [];
  let left = bytesMax;
  for (const [at, { items, ...turn }] of turns.slice(position.turn).entries()) {
    if (left <= 0) return { position, turns: page, atEnd: false };
    const turnJson = JSON.stringify({ ...turn, items: [] });
    const sent: string[] = [];
    page.push({ turnId: turn.id, turnJson, items: sent });
    left -= turnJson.length;
    for (const [number, item] of items.slice(at === 0 ? position.item : 0).entries()) {
      if (left <= 0 && (number > 0 || at > 0)) {
        page[page.length - 1] = { turnId: turn.id, turnJson, items: sent, more: true };
        return { position, turns: page, atEnd: false };
      }
      const json = await storableItem(item);
      sent.push(json);
      left -= json.length;
    }
  }
  return { position, turns: page, atEnd: true };
}

/**
 * Imports a page of a thread's history: what is there already is left alone, what was imported before is passed over. The answer
 * says where the next page begins, which may be inside this one: one call takes up to 200 items, 50 turns or 2 MiB.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `historyMode` as the app-server's thread has it; `sessionId` of the thread's writer; `restart` goes through the history again
 * @returns how far the import is
 * @throws ConvexError `E_SYNC_OUT_OF_ORDER` (`data.turn` and `data.item` say where it goes on), `E_THREAD_NOT_EMPTY`, `E_THREAD_DELETED`,
 * the codes of a batch or a session that is not right
 */
export async function importHistoryForActor(ctx: HostMutationCtx, component: CodexComponent, args: InThread & Page): Promise<CodexImportStatus> {
  const { actor, threadId, sessionId, historyMode, restart, position, turns, atEnd } = args;
  const more = { ...(historyMode === undefined ? {} : { historyMode }), ...(restart === undefined ? {} : { restart }), ...(atEnd === undefined ? {} : { atEnd }) };
  return await ctx.runMutation(component.imports.importHistory, { actor, threadId, sessionId, position, turns, ...more });
}

/**
 * How far the import of a thread's history is.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args the thread
 * @returns the status, or null where none was begun
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`
 */
export async function getImportStatusForActor(ctx: HostQueryCtx, component: CodexComponent, args: InThread): Promise<CodexImportStatus | null> {
  const { actor, threadId } = args;
  return await ctx.runQuery(component.imports.getImportStatus, { actor, threadId });
}
