import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Recorder } from "./recorder.js";

const PLAYER = fileURLToPath(new URL("../../tools/replay-codex/replay-codex.mjs", import.meta.url));
const RECORDINGS = new URL("../fixtures/transcripts/", import.meta.url);

interface Message {
  method?: string;
  emittedAtMs?: number;
  params?: { threadId?: string; turnId?: string; thread?: { id: string }; turn?: { id: string } };
}

/** What the first process of a recording said about threads, in order. */
function recordedEvents(name: string): Message[] {
  const lines = readFileSync(new URL(name, RECORDINGS), "utf8").trim().split("\n");
  const entries = lines.map((line) => JSON.parse(line) as { dir: string; msg: Message & { event?: string } });
  const start = (entry: { dir: string; msg: { event?: string } }) => entry.dir === "proc" && entry.msg.event === "start";
  const second = entries.findIndex((entry, index) => index > entries.findIndex(start) && start(entry));
  return entries
    .slice(0, second === -1 ? undefined : second)
    .filter(({ dir, msg }) => dir === "in" && msg.method !== undefined)
    .map(({ msg }) => msg)
    .filter(({ params }) => (params?.threadId ?? params?.thread?.id) !== undefined);
}

const names = readdirSync(RECORDINGS).filter((name) => name.endsWith(".jsonl"));

describe("the bridge on a recording of the real app-server", () => {
  it.each(names)("%s: every message of a thread, once, verbatim, in cursor order", async (name) => {
    const seen = new Recorder();
    const transcript = fileURLToPath(new URL(name, RECORDINGS));
    const play = ["--transcript", transcript, "--autoplay", "--speed", "0", "--exit-at-end"];
    const bridge = seen.start({ codexBin: process.execPath, args: [PLAYER, "app-server", ...play], initialize: false });
    await seen.untilExits(1);
    await bridge.stop();

    const events = seen.events.filter(({ payloadJson }) => !payloadJson.includes('"synthesized":true'));
    const recorded = recordedEvents(name);
    const byThread = (threadId: string) => events.filter((event) => event.threadId === threadId);
    const threads = new Set(recorded.map(({ params }) => params?.threadId ?? params?.thread?.id ?? ""));
    for (const threadId of threads) {
      const own = recorded.filter(({ params }) => (params?.threadId ?? params?.thread?.id) === threadId);
      expect(byThread(threadId).map(({ payloadJson }) => payloadJson)).toEqual(
        own.map(({ emittedAtMs: _, ...message }) => JSON.stringify(message)),
      );
    }
    expect(events).toHaveLength(recorded.length);
    expect(new Set(seen.events.map(({ eventId }) => eventId)).size).toBe(seen.events.length);
    const next = new Map<string, number>();
    const misplaced = seen.events.filter(({ threadId, streamId, cursorStart, cursorEnd }) => {
      const expected = next.get(streamId ?? threadId) ?? 0;
      next.set(streamId ?? threadId, expected + 1);
      return cursorStart !== expected || cursorEnd !== expected + 1;
    });
    expect(misplaced).toEqual([]);
    expect(Object.keys(bridge.stats().errors)).toEqual(["E_BRIDGE_PROCESS_EXITED"]);
  });
});
