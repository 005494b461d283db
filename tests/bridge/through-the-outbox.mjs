// What a stand-in prints, through the bridge and the outbox: for the measurements of this folder.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CodexLocalBridge } from "../../dist/js-wrapper/bridge/index.js";
import { Outbox } from "../../dist/js-wrapper/outbox/index.js";

const FLUSH_MS = 600_000;

/** Runs Node with `args` until it ends, and gives what it prints to `deliver`, a batch at a time; each event is on disk before it leaves. */
export async function throughTheOutbox(args, deliver) {
  const folder = await mkdtemp(path.join(tmpdir(), "outbox-bench-"));
  let bridge;
  const outbox = await Outbox.open({ folder, deliver, onError: console.error, onCrowded: (isCrowded) => bridge.hold(isCrowded) });
  await new Promise((resolve) => {
    const handlers = { onEvent: (event) => outbox.append(event), onGlobalMessage() {}, onProtocolError() {}, onProcessExit: resolve };
    bridge = new CodexLocalBridge({ codexBin: process.execPath, args, initialize: false }, handlers);
    bridge.start();
  });
  if ((await outbox.flush(FLUSH_MS)) > 0) throw new Error("events are left");
  await outbox.close();
  await rm(folder, { recursive: true });
}
