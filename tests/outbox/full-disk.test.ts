/** A disk that is full in the midst of a write, and has room again: what is written later is there when the folder is opened again. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { folder, open } from "./build.js";
import { THREADS } from "./story.mjs";

const EVENTS = 300;
const HOST = path.join(import.meta.dirname, "full-disk.mjs");

test.runIf(process.platform === "linux")("what is written behind a torn write is not lost", async () => {
  const where = await folder();
  const { signal, stdout, stderr } = spawnSync(process.execPath, [HOST, where, String(EVENTS)], { encoding: "utf8" });
  expect({ signal, stdout, stderr }).toEqual({ signal: "SIGKILL", stdout: "E_OUTBOX_WRITE_FAILED\n", stderr: "" });

  const { outbox, batches } = await open({ folder: where });
  await outbox.flush(10_000);
  const cursors = (threadId: string) => batches.filter((batch) => batch.threadId === threadId).flatMap(({ events }) => events.map(({ cursorStart }) => cursorStart));
  for (const threadId of THREADS) expect(cursors(threadId)).toEqual(Array.from({ length: EVENTS }, (_, cursor) => cursor));
});
