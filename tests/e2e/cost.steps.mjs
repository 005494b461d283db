// What a steady batch costs, counted at the syscalls of the pushed bundle (cost.test.ts).
const ACTOR = { tenantId: "demo-tenant", userId: "demo-user", deviceId: "laptop" };
const SESSION = "session-1";
const DELTAS = 20;
const BATCHES = 1000;
/** SOURCE: the bound for a steady batch of 20 text deltas. */
const READS_MAX = 8;
const WRITES_MAX = 3;

export default async ({ backend, call, assert }) => {
  const ingest = (threadId, deltas) => call("chat:ingestBatch", { actor: ACTOR, sessionId: SESSION, threadId, deltas });
  const bind = (threadId) => call("chat:ensureSession", { actor: ACTOR, sessionId: SESSION, threadId });
  const report = [];
  for (const turnsBefore of [0, 299]) {
    const threadId = `thread-with-${turnsBefore + 1}-turns`;
    await call("chat:ensureThread", { actor: ACTOR, threadId });
    await bind(threadId);
    for (let turn = 0; turn < turnsBefore; turn++) await ingest(threadId, finishedTurn(threadId, `turn-${turn}`));
    const turnId = `turn-${turnsBefore}`;
    await ingest(threadId, begun(threadId, turnId));
    for (let batch = 1; batch <= BATCHES; batch++) {
      const deltas = texts(threadId, turnId, 2 + (batch - 1) * DELTAS);
      if (batch !== 1 && batch !== BATCHES) {
        await ingest(threadId, deltas);
        continue;
      }
      await bind(threadId); // a beat that is due would be one write more, at any age
      let answer;
      const cost = await backend.measure(async () => (answer = await ingest(threadId, deltas)));
      assert.equal(answer.status, "ok");
      assert.ok(cost.readsWithPatches <= READS_MAX, `${threadId}, batch ${batch}: ${cost.readsWithPatches} documents read`);
      assert.ok(cost.documentsWritten <= WRITES_MAX, `${threadId}, batch ${batch}: ${cost.documentsWritten} documents written`);
      report.push({ threadId, batch, reads: cost.documentsRead, "with patches": cost.readsWithPatches, ranges: cost.ranges, writes: cost.documentsWritten });
    }
  }
  const [first] = report;
  for (const row of report) assert.deepEqual({ ...row, threadId: "", batch: 0 }, { ...first, threadId: "", batch: 0 }, "the same at every age");
  console.table(report);
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
