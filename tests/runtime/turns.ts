/** Turns that run in threads of codex's, which have the same ids in Convex. */
import type { Mailbox } from "../../js-wrapper/runtime/mailbox.js";
import { LoadedThreads } from "../../js-wrapper/runtime/threads.js";

export class Turns {
  readonly #threads = new LoadedThreads();

  running(threadId: string): string | undefined {
    return this.#threads.running(threadId);
  }

  taken(threadId: string, turnId: string): void {
    this.#threads.load(threadId);
    this.#threads.taken(threadId, turnId);
  }

  /** Codex says that a turn runs. */
  start(threadId: string, turnId: string): void {
    this.#threads.load(threadId);
    this.#threads.runs(threadId, turnId);
  }

  /** Codex says that it has ended, and the mailbox hears of it. */
  end(mailbox: Mailbox, threadId: string, turnId: string): void {
    this.#threads.load(threadId);
    this.#threads.saw({ eventId: "e", threadId, turnId, kind: "turn/completed", payloadJson: "{}", cursorStart: 0, cursorEnd: 1, createdAt: 1 });
    mailbox.turnEnded(threadId);
  }
}
