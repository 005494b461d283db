import { expect, test } from "vitest";
import { synthesizedEnd, type TurnEnd } from "../../js-wrapper/bridge/turn-end.js";
import { RuntimeState } from "../../js-wrapper/runtime/state.js";

const PLACE = { type: "stream_delta", threadId: "t", turnId: "u", streamId: "t:u:0", createdAt: 0 } as const;
const started = { ...PLACE, eventId: "1", cursorStart: 0, cursorEnd: 1, kind: "turn/started", payloadJson: "{}" };
const ended = (payloadJson: string) => ({ ...PLACE, eventId: "2", cursorStart: 1, cursorEnd: 2, kind: "turn/completed", payloadJson });
const said = (status: TurnEnd) => JSON.stringify({ method: "turn/completed", params: { threadId: "t", turn: { id: "u", items: [], status, error: null } } });

function phaseAfter(payloadJson: string) {
  const state = new RuntimeState(
    () => undefined,
    () => undefined,
  );
  state.begin(undefined);
  state.threadKnown("t");
  state.saw(started);
  expect(state.get()).toMatchObject({ phase: "running", turnInFlight: true });
  state.saw(ended(payloadJson));
  const { phase, turnInFlight } = state.get();
  return [phase, turnInFlight];
}

test.each<TurnEnd>(["completed", "failed", "interrupted"])("a turn that codex says is %s is over, and codex ready", (status) => {
  expect(phaseAfter(said(status))).toEqual(["ready", false]);
});

test.each<TurnEnd>(["completed", "failed"])("so is one of which the bridge tells later that it was %s", (status) => {
  expect(phaseAfter(synthesizedEnd("t", "u", status))).toEqual(["ready", false]);
});

test("with a turn that ended with its process, codex is not ready", () => {
  expect(phaseAfter(synthesizedEnd("t", "u", "interrupted"))).toEqual(["running", false]);
});

test("who is told of it hears the newest state last, whoever else changes it when told", () => {
  const state = new RuntimeState(
    () => undefined,
    () => undefined,
  );
  const heard: string[] = [];
  state.subscribe(({ phase }) => {
    if (phase === "starting") state.phase("stopping");
  });
  state.subscribe(({ phase }) => void heard.push(phase));
  state.begin(undefined);
  expect(heard.at(-1)).toBe("stopping");
  expect(state.get().phase).toBe("stopping");
});
