// How events go from the line that codex prints to a screen: a stand-in that prints text, the bridge, the outbox on disk, an app of
// `defineCodexHost` in the embedded Convex in a process of its own, and a client that subscribes over a WebSocket and merges as the hooks do.
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import WebSocket from "ws";
import { createDeviceEntropy } from "convex-codex-local/client";
import { EMPTY_OVERLAY, foldOverlay, mergeCodexMessages } from "../../dist/js-wrapper/mapping/index.js";
import { ConvexDelivery } from "../../dist/js-wrapper/runtime/convex-delivery.js";
import { createConvexPersistence } from "../../dist/js-wrapper/runtime/persistence.js";
import { startServer } from "../../tools/embedded-convex/run.mjs";
import { bareReader, throughTheBridge } from "../bridge/flood.mjs";
import { bareDelays, pacedArgs, PIECE } from "../bridge/paced.mjs";
import { throughTheOutbox } from "../bridge/through-the-outbox.mjs";

const APP = fileURLToPath(new URL("../cli/host.app", import.meta.url));
const { chat } = anyApi;
/** Pieces of text a second: what a model says, and a fast one. */
export const PACES = [20, 100];
const PACED_SECONDS = 11;
/** Printed at once. */
const FLOOD_EVENTS = 4_000;
/** Printed at once, of which nothing goes to a screen. */
const BRIDGE_EVENTS = 100_000;
const ROUNDS = 3;
const SHOWN_TIMEOUT_MS = 120_000;

/**
 * Events a second, one a round: of a bare line reader, of the bridge and the outbox, and to the screen; and by pace the milliseconds
 * from each line to a bare reader and to the screen.
 */
export async function measureScreen() {
  const rates = { bare: [], bridge: [], screen: [] };
  const delays = Object.fromEntries(PACES.map((rate) => [rate, { bare: [], screen: [] }]));
  const server = await startServer(APP);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      rates.bare.push(BRIDGE_EVENTS / (await bareReader(BRIDGE_EVENTS)).seconds);
      rates.bridge.push(BRIDGE_EVENTS / (await throughTheBridge(BRIDGE_EVENTS)).seconds);
      const { shownMs } = await show(server.url, `flood ${round}`, { rate: Infinity, events: FLOOD_EVENTS });
      rates.screen.push((FLOOD_EVENTS * 1000) / shownMs);
    }
    for (const rate of PACES) {
      const paced = { rate, events: rate * PACED_SECONDS };
      // In the first second, connections are made.
      delays[rate].bare = (await bareDelays(pacedArgs({ threads: ["bare"], ...paced }))).slice(rate);
      delays[rate].screen = (await show(server.url, `pace ${rate}`, paced)).delays.slice(rate);
    }
  } finally {
    await server.stop();
  }
  return { rates, delays, rounds: ROUNDS };
}

/** Runs a turn until all of its text is shown: how long each piece was on its way, and how long it took from the first line to the last piece. */
async function show(url, localThreadId, { rate, events }) {
  const { token: deviceToken } = await new ConvexHttpClient(url, { logger: false }).mutation(chat.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
  const [machine, reader] = [newClient(url), newClient(url)];
  const printedMs = [];
  const delays = [];
  try {
    const notes = new Map();
    const keeper = { note: (id) => notes.get(id), keepNote: (id, note) => notes.set(id, note), notes: () => notes };
    const persistence = createConvexPersistence(machine, chat, { deviceToken });
    const delivery = new ConvexDelivery(persistence, { actor: {}, sessionId: localThreadId }, keeper);
    const { threadId } = await delivery.bind(localThreadId);
    const shown = followText(reader, threadId, (pieces) => {
      const nowMs = Date.now();
      for (let at = delays.length; at < pieces; at++) delays.push(nowMs - printedMs[at]);
      return pieces >= events;
    });
    await throughTheOutbox(pacedArgs({ threads: [localThreadId], rate, events }), async (batch) => {
      for (const { kind, createdAt } of batch.events) if (kind === "item/agentMessage/delta") printedMs.push(createdAt);
      return delivery.deliver(batch);
    });
    await Promise.race([shown, sleep(SHOWN_TIMEOUT_MS, undefined, { ref: false }).then(() => Promise.reject(new Error(`${delays.length} of ${events} were shown`)))]);
  } finally {
    await Promise.all([machine.close(), reader.close()]);
  }
  const shownMs = Math.max(...delays.map((delay, at) => printedMs[at] + delay)) - printedMs[0];
  return { delays, shownMs };
}

function newClient(url) {
  return new ConvexClient(url, { webSocketConstructor: WebSocket, logger: false, unsavedChangesWarning: false });
}

/** Follows a thread as `useCodexMessages` does, until `onPieces`, which hears how many pieces of its text are shown, says that it is all. */
function followText(client, threadId, onPieces) {
  return new Promise((resolve, reject) => {
    const query = chat.listThreadMessagesForHooks;
    let rows = [];
    let overlay = EMPTY_OVERLAY;
    let merged;
    let unfollow = () => undefined;
    const show = () => {
      merged = mergeCodexMessages(rows, overlay, merged);
      const text = merged.messages.find(({ messageId }) => messageId === "msg_1")?.text ?? "";
      if (onPieces(Math.floor(text.length / PIECE.length))) resolve();
    };
    const follow = () => {
      const { cursors } = overlay;
      const args = { threadId, paginationOpts: { cursor: null, numItems: 0 }, streamArgs: { kind: "deltas", cursors } };
      const onAnswer = ({ streams }) => {
        const next = foldOverlay(overlay, cursors, streams);
        if (next === overlay || overlay.cursors !== cursors) return;
        const leave = unfollow;
        overlay = next;
        show();
        unfollow = follow();
        leave();
      };
      return client.onUpdate(query, args, onAnswer, reject);
    };
    const onPage = ({ page }) => {
      rows = page;
      show();
    };
    client.onUpdate(query, { threadId, paginationOpts: { cursor: null, numItems: 30 } }, onPage, reject);
    unfollow = follow();
  });
}
