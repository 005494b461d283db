// What a steady batch costs, counted at the syscalls of the pushed bundle (cost.test.ts).
import { createDeviceEntropy } from "convex-codex-local/client";
import { DEMO_IDENTITY } from "../../tools/demo/example.mjs";

const SESSION = "session-1";
const DELTAS = 20;
const BATCHES = 1000;
/** What a steady batch of 20 text deltas may read, a patch being one read, and write. */
const READS_MAX = 6;
const WRITES_MAX = 2;
/** Milliseconds; more often than a beat is due (15 s), which would be one write more, at any age, on a machine as slow as it may be. */
const BIND_EVERY_MS = 5_000;
/**
 * The batches that fold: each 129th, for 128 chunks are behind the fold and its own comes to them, and the one with which the
 * text has filled a part. What a fold reads beyond a steady batch: its message, the last part twice (its text, then its row),
 * and the chunks behind it; what it writes: its message, the last part, and the next one where that is full.
 */
const FOLDS = [
  { batch: 128, chunks: 128, parts: 1 },
  { batch: 257, chunks: 128, parts: 1 },
  { batch: 386, chunks: 128, parts: 1 },
  { batch: 515, chunks: 128, parts: 1 },
  { batch: 644, chunks: 128, parts: 1 },
  { batch: 656, chunks: 11, parts: 2 },
  { batch: 785, chunks: 128, parts: 1 },
  { batch: 914, chunks: 128, parts: 1 },
];

export default async ({ backend, call, assert }) => {
  const { token: deviceToken } = await call("chat:issueDeviceToken", { deviceId: "laptop", entropy: createDeviceEntropy() }, DEMO_IDENTITY);
  const ingest = (threadId, deltas) => call("chat:ingestBatch", { deviceToken, sessionId: SESSION, threadId, deltas });
  const bind = (threadId) => call("chat:ensureSession", { deviceToken, sessionId: SESSION, threadId });
  const report = [];
  for (const turnsBefore of [0, 299]) {
    const threadId = `thread-with-${turnsBefore + 1}-turns`;
    await call("chat:ensureThread", { deviceToken, threadId });
    await bind(threadId);
    for (let turn = 0; turn < turnsBefore; turn++) await ingest(threadId, finishedTurn(threadId, `turn-${turn}`));
    const turnId = `turn-${turnsBefore}`;
    await ingest(threadId, begun(threadId, turnId));
    const folds = [];
    let boundAtMs = 0;
    for (let batch = 1; batch <= BATCHES; batch++) {
      const deltas = texts(threadId, turnId, 2 + (batch - 1) * DELTAS);
      if (Date.now() - boundAtMs > BIND_EVERY_MS) {
        await bind(threadId);
        boundAtMs = Date.now();
      }
      let answer;
      const cost = await backend.measure(async () => (answer = await ingest(threadId, deltas)));
      assert.equal(answer.status, "ok");
      const row = { threadId, batch, reads: cost.documentsRead, "with patches": cost.readsWithPatches, ranges: cost.ranges, writes: cost.documentsWritten };
      if (FOLDS.some((fold) => fold.batch === batch)) {
        folds.push(row);
        continue;
      }
      assert.ok(cost.readsWithPatches <= READS_MAX, `${threadId}, batch ${batch}: ${cost.readsWithPatches} documents read`);
      assert.ok(cost.documentsWritten <= WRITES_MAX, `${threadId}, batch ${batch}: ${cost.documentsWritten} documents written`);
      report.push(row);
    }
    const [steady] = report;
    for (const [at, { batch, chunks, parts }] of FOLDS.entries()) {
      const partsRead = at === 0 ? 0 : 2;
      const want = { batch, reads: steady.reads + 1 + partsRead + chunks, writes: steady.writes + 1 + parts };
      const { reads, writes } = folds[at];
      assert.deepEqual({ batch: folds[at].batch, reads, writes }, want, `${threadId}, the fold of batch ${batch}`);
    }
    console.table(folds);
  }
  const [first] = report;
  for (const row of report) assert.deepEqual({ ...row, threadId: "", batch: 0 }, { ...first, threadId: "", batch: 0 }, "the same at every age");
  console.table(report.filter(({ batch }) => batch === 1 || batch === BATCHES));
};

function event(threadId, turnId, cursor, method, params) {
  const streamId = `${threadId}:${turnId}:0`;
  return {
    eventId: `run.1:${streamId}:${cursor}`,
    threadId,
    turnId,
    streamId,
    cursorStart: cursor,
    cursorEnd: cursor + 1,
    kind: method,
    payloadJson: JSON.stringify({ method, params: { threadId, ...params } }),
    createdAt: 1_700_000_000_000,
  };
}

const turn = (turnId, status) => ({ turn: { id: turnId, items: [], status, error: null } });
const item = (turnId, text) => ({ turnId, item: { type: "agentMessage", id: "msg_1", text } });

function begun(threadId, turnId) {
  return [
    event(threadId, turnId, 0, "turn/started", turn(turnId, "inProgress")),
    event(threadId, turnId, 1, "item/started", item(turnId, "")),
  ];
}

function texts(threadId, turnId, from) {
  const delta = { turnId, itemId: "msg_1", delta: "word " };
  return Array.from({ length: DELTAS }, (_, at) => event(threadId, turnId, from + at, "item/agentMessage/delta", delta));
}

function finishedTurn(threadId, turnId) {
  return [
    ...begun(threadId, turnId),
    event(threadId, turnId, 2, "item/completed", item(turnId, "done")),
    event(threadId, turnId, 3, "turn/completed", turn(turnId, "completed")),
  ];
}
