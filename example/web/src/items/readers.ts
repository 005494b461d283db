import type { CodexUIMessage } from "convex-codex-local/react";
import { createContext } from "react";
import type { Piece } from "../whole.js";

/** Reads a piece of one message: of its text, or of its payload. */
export type ReadMessagePiece = (
  message: Pick<CodexUIMessage, "turnId" | "messageId">,
  cursor: string | null,
) => Promise<Piece | null>;

/** How items read what is too large for a list. */
export interface Readers {
  text: ReadMessagePiece;
  payload: ReadMessagePiece;
}

/**
 * Given by the page that has a deployment; without it items say only that there is more.
 *
 * ```tsx
 * <ReadersContext value={readers}><Transcript /></ReadersContext>
 * ```
 */
export const ReadersContext = createContext<Readers | null>(null);
