// The session in the terminal, as any other client sees it: read from Convex, by subscription.
import { ConvexClient } from "convex/browser";
import { anyApi } from "convex/server";
import { WebSocket } from "ws";
import { EMPTY_OVERLAY, foldOverlay, mergeCodexMessages } from "../../dist/js-wrapper/mapping/index.js";
import { Transcript } from "./transcript.mjs";

const MESSAGES_SHOWN = 100;
const QUERY = anyApi.chat.listThreadMessagesForHooks;

export class Terminal {
  #client;
  #transcript;
  #threadId;
  #rows;
  #overlay = EMPTY_OVERLAY;
  #merged;
  #stopOverlay = () => {};
  #changedAtMs = Date.now();

  /** @param {{deploymentUrl: string, authToken?: string, write: (text: string) => void, onError: (error: Error) => void}} options `authToken`: whom it reads as */
  constructor({ deploymentUrl, authToken, write, onError }) {
    this.onError = onError;
    this.#transcript = new Transcript(write);
    // The one of Node 22 tells of no end of a connection that failed: the client would neither try again nor close.
    this.#client = new ConvexClient(deploymentUrl, { webSocketConstructor: WebSocket });
    if (authToken !== undefined) this.#client.setAuth(async () => authToken);
  }

  /** Shows one thread, from its beginning. */
  follow(threadId) {
    this.#threadId = threadId;
    const args = { threadId, paginationOpts: { cursor: null, numItems: MESSAGES_SHOWN } };
    const onRows = ({ page }) => {
      this.#rows = page;
      this.#show();
    };
    this.#client.onUpdate(QUERY, args, onRows, this.onError);
    this.#followLive();
  }

  /** Everything that was seen is shown, ended, and nothing has changed for `quietMs`. */
  isSettled(quietMs) {
    return this.#transcript.isEnded && Date.now() - this.#changedAtMs >= quietMs;
  }

  async close() {
    this.#stopOverlay();
    await this.#client.close();
  }

  /** Live text is asked for from where it was read to; each answer that brings news moves that on. */
  #followLive() {
    const { cursors } = this.#overlay;
    const args = {
      threadId: this.#threadId,
      paginationOpts: { cursor: null, numItems: 0 },
      streamArgs: { kind: "deltas", cursors: cursors.map(({ streamId, cursor }) => ({ streamId, cursor })) },
    };
    const stop = this.#client.onUpdate(
      QUERY,
      args,
      ({ streams }) => {
        const overlay = foldOverlay(this.#overlay, cursors, streams);
        if (overlay === this.#overlay) return;
        this.#overlay = overlay;
        this.#show();
        this.#stopOverlay();
        this.#followLive();
      },
      this.onError,
    );
    this.#stopOverlay = stop;
  }

  #show() {
    if (this.#rows === undefined) return;
    const merged = mergeCodexMessages(this.#rows, this.#overlay, this.#merged);
    if (merged.messages === this.#merged?.messages) return;
    this.#merged = merged;
    this.#changedAtMs = Date.now();
    this.#transcript.update(merged.messages);
  }
}
