import { useConvex } from "convex/react";
import { useMemo } from "react";
import { api } from "../api.js";
import type { Readers } from "../items/readers.js";

/** Reads the messages of a thread whole, a piece at a time. */
export function useReaders(threadId: string): Readers {
  const convex = useConvex();
  return useMemo(() => {
    const { getMessageText, getMessagePayload } = api.chat;
    return {
      text: ({ turnId, messageId }, cursor) =>
        convex.query(getMessageText, { threadId, turnId, messageId, cursor }),
      payload: ({ turnId, messageId }, cursor) =>
        convex.query(getMessagePayload, { threadId, turnId, messageId, cursor }),
    };
  }, [convex, threadId]);
}
