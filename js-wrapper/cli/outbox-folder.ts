/** An outbox while no bridge runs: it is looked at and mended, and nothing is sent. */
import { type Backlog, type DeadLetter, Outbox, type OutboxError } from "../outbox/index.js";
import { OutboxStore, type StoredThread } from "../outbox/store.js";

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

/** Who a folder's runtime is, and its threads: what waits is not read. @throws OutboxError as {@link withOutbox} */
export async function withRuntime<Answer>(folder: string, use: (runtime: RuntimeOf) => Promise<Answer>): Promise<Answer> {
  const store = await OutboxStore.open(folder);
  try {
    const { runtimeId, generation, owner } = store;
    const keepOwner = (owner: string): Promise<void> => store.write([{ type: "owner", owner }]);
    return await use({ runtimeId, generation, owner, keepOwner, threads: await store.threads() });
  } finally {
    await store.close();
  }
}

/** A runtime, as its folder knows it. */
export interface RuntimeOf {
  readonly runtimeId: string;
  readonly generation: number;
  readonly owner: string | undefined;
  readonly keepOwner: (owner: string) => Promise<void>;
  readonly threads: readonly StoredThread[];
}

/** What a runtime keeps of a thread: what it is called, and where it is in Convex. */
export function noteOf(thread: StoredThread | undefined): { readonly names?: { readonly externalThreadId?: string }; readonly bound?: { readonly threadId?: string } } | undefined {
  return thread?.note as ReturnType<typeof noteOf>;
}
