// The session in the terminal, as any other client sees it: read from Convex, by subscription.
import { ConvexClient } from "convex/browser";
import { anyApi } from "convex/server";
import { WebSocket } from "ws";
import { foldOverlay, mergeCodexMessages, overlayOf } from "../../dist/js-wrapper/mapping/index.js";
import { Transcript } from "./transcript.mjs";

const MESSAGES_SHOWN = 100;
const QUERY = anyApi.chat.listThreadMessagesForHooks;

/** @param {{deploymentUrl: string, authToken?: string}} options `authToken`: whom it reads as */
export function connectTerminal({ deploymentUrl, authToken }) {
  // The one of Node 22 tells of no end of a connection that failed: the client would neither try again nor close.
  const client = new ConvexClient(deploymentUrl, { webSocketConstructor: WebSocket });
  if (authToken !== undefined) client.setAuth(async () => authToken);
  return client;
}

export class Terminal {
  #client;
  #transcript;
  #threadId;
  #rows = [];
  #overlay;
  #read;
  #merged;
  #stopOverlay = () => {};
  #changedAtMs = Date.now();

  /** @param {{client: ConvexClient, write: (text: string) => void, onError: (error: Error) => void}} options it closes the client */
  constructor({ client, write, onError }) {
    this.onError = onError;
    this.#transcript = new Transcript(write);
    this.#client = client;
  }

  /** Shows one thread, from its beginning. */
  follow(threadId) {
    this.#threadId = threadId;
    const args = { threadId, paginationOpts: { cursor: null, numItems: MESSAGES_SHOWN }, streamArgs: { kind: "followed" } };
    const onRows = ({ page }) => {
      this.#rows = page;
      if (this.#overlay === undefined) this.#goOn(overlayOf(page));
      else this.#fold();
    };
    this.#client.onUpdate(QUERY, args, onRows, this.onError);
  }

  /** Everything that was seen is shown, ended, and nothing has changed for `quietMs`. */
  isSettled(quietMs) {
    return this.#transcript.isEnded && Date.now() - this.#changedAtMs >= quietMs;
  }

  async close() {
    this.#stopOverlay();
    await this.#client.close();
  }

  /** Live text is asked for from where it was read to, or where the rows leave off. */
  #goOn(overlay) {
    this.#overlay = overlay;
    this.#show();
    const asked = overlay.cursors.map(({ streamId, cursor }) => ({ streamId, cursor }));
    const args = { threadId: this.#threadId, paginationOpts: { cursor: null, numItems: 0 }, streamArgs: { kind: "deltas", cursors: asked } };
    const onStreams = ({ streams }) => {
      this.#read = { asked, streams };
      this.#fold();
    };
    this.#stopOverlay();
    this.#stopOverlay = this.#client.onUpdate(QUERY, args, onStreams, this.onError);
  }

  /** Rows and streams come each for itself: what was read last is looked at anew with either. */
  #fold() {
    const { asked, streams } = this.#read ?? { asked: [], streams: null };
    const overlay = foldOverlay(this.#overlay, asked, streams, this.#rows);
    if (overlay === this.#overlay) this.#show();
    else this.#goOn(overlay);
  }

  #show() {
    const merged = mergeCodexMessages(this.#rows, this.#overlay, this.#merged);
    if (merged.messages === this.#merged?.messages) return;
    this.#merged = merged;
    this.#changedAtMs = Date.now();
    this.#transcript.update(merged.messages);
  }
}
