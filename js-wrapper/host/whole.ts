import type { CodexComponent, CodexTextPiece, HostQueryCtx } from "./component.js";
import { orMissing, TURN_IS_MISSING } from "./errors.js";
import type { HostActorContext } from "./validators.js";

/** What {@link getMessageTextForActor} and {@link getMessagePayloadForActor} take. */
export interface HostPieceArgs {
  actor: HostActorContext;
  threadId: string;
  turnId: string;
  messageId: string;
  /** `continueCursor` of the piece before; the beginning where it is not given, null or empty. */
  cursor?: string | null | undefined;
}

/**
 * Reads all of a message's text, which lists cut at 256 KiB, by pieces of at most 1 MiB: join them up to the one with `isDone`.
 *
 * ```ts
 * let text = "";
 * for (let cursor: string | null = null; ; ) {
 *   const piece = await getMessageTextForActor(ctx, components.codexLocal, { actor, threadId, turnId, messageId, cursor });
 *   text += piece?.text ?? "";
 *   if (piece === null || piece.isDone) break;
 *   cursor = piece.continueCursor;
 * }
 * ```
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args the message, and where to go on
 * @returns the piece; null where there is no such thread, turn or message for this actor. While the message is `streaming`, its
 *   text may grow: `continueCursor` of the last piece is where it goes on
 * @throws ConvexError `E_CURSOR_INVALID`, also where the text was replaced since, as an item's end does: begin again
 */
export async function getMessageTextForActor(ctx: HostQueryCtx, component: CodexComponent, args: HostPieceArgs): Promise<CodexTextPiece | null> {
  return await orMissing(ctx.runQuery(component.messages.getText, pieceOf(args)), TURN_IS_MISSING, () => null);
}

/**
 * Reads all of a message's payload, which lists leave out where it is large, by pieces as {@link getMessageTextForActor} does:
 * the app-server's item in JSON, in which `{"$text": true}` stands for the text that is kept beside it.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args the message, and where to go on
 * @returns the piece; null where there is no such thread, turn or message for this actor
 * @throws ConvexError `E_CURSOR_INVALID`, also where the payload was replaced since: begin again
 */
export async function getMessagePayloadForActor(ctx: HostQueryCtx, component: CodexComponent, args: HostPieceArgs): Promise<CodexTextPiece | null> {
  return await orMissing(ctx.runQuery(component.messages.getPayload, pieceOf(args)), TURN_IS_MISSING, () => null);
}

function pieceOf({ actor, threadId, turnId, messageId, cursor }: HostPieceArgs) {
  return { actor, threadId, turnId, messageId, ...(cursor === undefined ? {} : { cursor }) };
}
