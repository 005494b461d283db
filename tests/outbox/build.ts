/** Outboxes in folders of their own, and what is put into them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { Outbox, type OutboxBatch, type OutboxError, type OutboxOptions, type Verdict } from "../../js-wrapper/outbox/index.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";

export const RUNTIME = "rt.1";
export const ACKNOWLEDGED: Verdict = { type: "acknowledged" };

/** An event of a turn at a cursor. */
export function delta(cursorStart: number, { threadId = "t", turnId = "u", kind = "item/agentMessage/delta", text = "w" } = {}): NormalizedEvent {
  const streamId = `${threadId}:${turnId}:0`;
  const payloadJson = JSON.stringify({ method: kind, params: { threadId, turnId, itemId: "m", delta: text } });
  return { eventId: `${RUNTIME}:${streamId}:${String(cursorStart)}`, threadId, turnId, streamId, cursorStart, cursorEnd: cursorStart + 1, kind, payloadJson, createdAt: Date.now() };
}

/** An event of the thread. */
export function lifecycle(n: number, { threadId = "t", kind = "thread/name/updated" } = {}): NormalizedEvent {
  return { eventId: `rt:${threadId}:L${String(n)}`, threadId, cursorStart: n, cursorEnd: n + 1, kind, payloadJson: `{"method":"${kind}"}`, createdAt: Date.now() };
}

export async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), "outbox-"));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** What was delivered and told. */
export interface Told {
  batches: OutboxBatch[];
  errors: { code: string; event?: NormalizedEvent | undefined }[];
  crowds: boolean[];
}

export interface Opened extends Told {
  outbox: Outbox;
  folder: string;
}

/** Opens an outbox whose batches `deliver` judges; all are acknowledged where it is not given. */
export async function open(options: Partial<OutboxOptions> = {}): Promise<Opened> {
  const told: Told = { batches: [], errors: [], crowds: [] };
  const where = options.folder ?? (await folder());
  const outbox = await Outbox.open({
    ...options,
    folder: where,
    deliver: async (batch) => {
      told.batches.push(batch);
      return (await options.deliver?.(batch)) ?? ACKNOWLEDGED;
    },
    onError: (error: OutboxError, event) => void told.errors.push({ code: error.code, event }),
    onCrowded: (isCrowded) => void told.crowds.push(isCrowded),
  });
  onTestFinished(() => outbox.close());
  return { outbox, folder: where, ...told };
}

/** The cursors of what was delivered, batch by batch. */
export const cursorsOf = (batches: readonly OutboxBatch[]): number[][] => batches.map(({ events }) => events.map(({ cursorStart }) => cursorStart));

export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);
