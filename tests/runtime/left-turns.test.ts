/** What is made of codex's word on turns that an earlier start had left open. */
import { describe, expect, it } from "vitest";
import { AppServerError } from "../../js-wrapper/app-server/index.js";
import { LeftTurns, type LeftTurnsActions } from "../../js-wrapper/runtime/left-turns.js";

const ITEMS = [{ id: "i", type: "plan", text: "x" }];
const OVER = { id: "j", type: "plan", text: "y", completedAtMs: 1 };
/** What is told of a turn that runs. */
const running = (...items: object[]) => ["t/u runs", ["t", { id: "u", status: "inProgress", items }]];
const REFUSED = new AppServerError("E_APP_SERVER_REFUSED", "thread/read", "refused", { rpc: { code: -32600, message: "refused" } });
const GONE = new AppServerError("E_APP_SERVER_GONE", "thread/read", "codex ended");

interface Codex {
  thread?: object | AppServerError;
  turns?: object[] | AppServerError;
}

/** Turns that are left in a codex that says so, and what is done. */
function left(ids: string[], codex: Codex) {
  const done: unknown[] = [];
  const open = new Set(ids);
  const answer = (what: object | undefined) => (what instanceof AppServerError ? Promise.reject(what) : Promise.resolve(what));
  const client = {
    request: () => answer(codex.thread instanceof AppServerError ? codex.thread : { thread: codex.thread }),
    requestUntyped: () => answer(codex.turns instanceof AppServerError ? codex.turns : { data: codex.turns }),
  } as unknown as LeftTurnsActions["client"];
  const turns = new LeftTurns({
    client,
    isOpen: (_threadId, turnId) => open.has(turnId),
    runs: (threadId, turnId) => void done.push(`${threadId}/${turnId} runs`),
    tell: (threadId, turn) => {
      if (turn.status !== "inProgress") open.delete(turn.id);
      done.push([threadId, turn]);
    },
    failed: ({ code }: { code: string }) => void done.push(code),
  } as LeftTurnsActions);
  turns.leave([["t", ids]]);
  return { turns, open, done };
}

const ACTIVE = { status: { type: "active", activeFlags: [] }, historyMode: "paginated" };
const IDLE = { ...ACTIVE, status: { type: "idle" } };
const turn = (id: string, status: string) => ({ id, status, items: ITEMS });

describe("a turn that was left open", () => {
  it.each<[string, string[], Codex, unknown[]]>([
    ["runs", ["u"], { thread: ACTIVE, turns: [turn("u", "inProgress")] }, running()],
    ["runs, and something in it is over", ["u"], { thread: ACTIVE, turns: [{ ...turn("u", "inProgress"), items: [...ITEMS, OVER] }] }, running(OVER)],
    ["runs in a codex that lists none", ["u"], { thread: ACTIVE, turns: REFUSED }, running()],
    ["has ended", ["u"], { thread: IDLE, turns: [turn("u", "failed")] }, [["t", { id: "u", status: "failed", items: ITEMS }]]],
    ["has ended, and another one runs", ["u"], { thread: ACTIVE, turns: [turn("v", "inProgress"), turn("u", "completed")] }, [["t", { id: "u", status: "completed", items: ITEMS }]]],
    ["is not among the newest", ["u"], { thread: ACTIVE, turns: [turn("v", "inProgress")] }, [["t", { id: "u", status: "interrupted", items: [] }]]],
    ["runs nowhere, whatever its history says", ["u"], { thread: IDLE, turns: [turn("u", "inProgress")] }, [["t", { id: "u", status: "interrupted", items: ITEMS }]]],
    ["is in a codex that lists none and rests", ["u"], { thread: IDLE, turns: REFUSED }, [["t", { id: "u", status: "interrupted", items: [] }]]],
    ["is in a history whose items are numbered anew", ["u"], { thread: { ...IDLE, historyMode: "legacy" }, turns: [turn("u", "completed")] }, [["t", { id: "u", status: "completed", items: [] }]]],
    ["is of a thread that codex has not", ["u"], { thread: REFUSED, turns: REFUSED }, [["t", { id: "u", status: "interrupted", items: [] }]]],
    ["is a review's, by its two names", ["u", "r"], { thread: ACTIVE, turns: [turn("u", "inProgress")] }, running()],
  ])("that %s is settled so", async (_what, ids, codex, want) => {
    const { turns, done } = left(ids, codex);
    await turns.settle("t");
    expect(done).toEqual(want);
  });

  it("is let be where its end has come meanwhile, and asked for no more", async () => {
    const { turns, open, done } = left(["u"], { thread: IDLE, turns: [turn("u", "completed")] });
    const settled = turns.settle("t");
    open.delete("u");
    await settled;
    open.add("u");
    await turns.settle("t");
    expect(done).toEqual([]);
  });

  it("is asked for again where it ran, or nothing was known: by a thread that is loaded, or by the others", async () => {
    const codex: Codex = { thread: GONE };
    const { turns, done } = left(["u"], codex);
    await turns.settle("t");
    Object.assign(codex, { thread: ACTIVE, turns: [turn("u", "inProgress")] });
    await turns.settle("t");
    await turns.settleOthers(["t"]);
    expect(done).toEqual(["E_APP_SERVER_GONE", ...running()]);
    Object.assign(codex, { thread: IDLE, turns: [turn("u", "completed")] });
    await turns.settleOthers([]);
    await turns.settleOthers([]);
    expect(done.slice(3)).toEqual([["t", { id: "u", status: "completed", items: ITEMS }]]);
  });
});
