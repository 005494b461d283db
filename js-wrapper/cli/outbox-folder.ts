/** An outbox while no bridge runs: it is looked at and mended, and nothing is sent. */
import { type Backlog, type DeadLetter, Outbox, type OutboxError } from "../outbox/index.js";

/** Opens an outbox, and closes it. @param onError told of what was found wrong with it @throws OutboxError `E_OUTBOX_LOCKED`, `E_OUTBOX_UNREADABLE` */
export async function withOutbox<Answer>(folder: string, use: (outbox: Outbox) => Promise<Answer>, onError: (error: OutboxError) => void = () => undefined): Promise<Answer> {
  const outbox = await Outbox.open({ folder, deliver: async () => Promise.resolve({ type: "again", reason: "no bridge runs" }), onError });
  try {
    return await use(outbox);
  } finally {
    await outbox.close();
  }
}

/** What waits in an outbox, and what was given up. */
export function lookAt(folder: string): Promise<{ backlog: Backlog[]; letters: DeadLetter[] }> {
  return withOutbox(folder, async (outbox) => ({ backlog: outbox.backlog(), letters: await outbox.letters() }));
}

/** What a runtime keeps of a thread: what it is called, and where it is in Convex. */
export function noteOf(outbox: Outbox, threadId: string): { readonly names?: { readonly externalThreadId?: string }; readonly bound?: { readonly threadId?: string } } | undefined {
  return outbox.note(threadId) as ReturnType<typeof noteOf>;
}
