import { describe, expect, it } from "vitest";
import { Numbering } from "../../js-wrapper/bridge/numbering.js";

const opens = { opensTurn: true, endsTurn: false };
const other = { opensTurn: false, endsTurn: false };
const ends = { opensTurn: false, endsTurn: true };

describe("the numbering", () => {
  it("counts each stream by itself, and a thread's lifecycle by itself", () => {
    const numbering = new Numbering("run", 1);
    const number = (threadId: string, turnId?: string, flags = opens) =>
      numbering.number({ threadId, ...(turnId === undefined ? {} : { turnId }), ...flags });
    expect(number("t")).toEqual({ eventId: "run:t:L0", threadId: "t", cursorStart: 0, cursorEnd: 1 });
    expect(number("t", "u")).toEqual({ eventId: "run.1:t:u:0:0", threadId: "t", turnId: "u", streamId: "t:u:0", cursorStart: 0, cursorEnd: 1 });
    expect(number("t", "v").cursorStart).toBe(0);
    expect(number("s", "u").cursorStart).toBe(0);
    expect(number("t", "u", other)).toMatchObject({ streamId: "t:u:0", cursorStart: 1, cursorEnd: 2 });
    expect(number("s")).toMatchObject({ eventId: "run:s:L0" });
    expect(number("t")).toMatchObject({ eventId: "run:t:L1", cursorStart: 1, cursorEnd: 2 });
  });

  it("puts a turn's event on its stream only once this process has shown the turn", () => {
    const numbering = new Numbering("run", 1);
    const event = { threadId: "t", turnId: "u" };
    expect(numbering.number({ ...event, ...other })).toEqual({ eventId: "run:t:L0", ...event, cursorStart: 0, cursorEnd: 1 });
    expect(numbering.number({ ...event, ...ends }).streamId).toBeUndefined();
    expect(numbering.openTurns()).toEqual([]);
    expect(numbering.number({ ...event, ...opens })).toMatchObject({ streamId: "t:u:0", cursorStart: 0 });
    expect(numbering.openTurns()).toEqual([event]);
    numbering.beginGeneration(2);
    expect(numbering.openTurns()).toEqual([]);
    expect(numbering.number({ ...event, ...other })).toMatchObject({ eventId: "run:t:L2" });
    expect(numbering.number({ ...event, ...opens })).toMatchObject({ eventId: "run.2:t:u:0:1", cursorStart: 1 });
  });

  it("goes on where an earlier one was, in which no turn is its own until it shows it", () => {
    const numbering = new Numbering("run", 3, [{ threadId: "t", nextLifecycle: 5, turns: [["u", 7]] }]);
    expect(numbering.openTurns()).toEqual([]);
    expect(numbering.number({ threadId: "t", ...other })).toMatchObject({ eventId: "run:t:L5" });
    expect(numbering.number({ threadId: "t", turnId: "u", ...other })).toMatchObject({ eventId: "run:t:L6" });
    expect(numbering.number({ threadId: "t", turnId: "u", ...opens })).toMatchObject({ eventId: "run.3:t:u:0:7", cursorStart: 7 });
    expect(numbering.number({ threadId: "s", ...other })).toMatchObject({ eventId: "run:s:L0" });
  });

  it("goes on in a turn that had ended, and does not open it again", () => {
    const numbering = new Numbering("run", 3, [{ threadId: "t", nextLifecycle: 0, turns: [], ended: [["u", 7]] }]);
    expect(numbering.number({ threadId: "t", turnId: "u", ...opens })).toMatchObject({ eventId: "run.3:t:u:0:7", cursorStart: 7 });
    expect(numbering.openTurns()).toEqual([]);
  });

  it("goes on behind a turn's end, and does not open it again", () => {
    const numbering = new Numbering("run", 1);
    const event = { threadId: "t", turnId: "u" };
    numbering.number({ ...event, ...opens });
    expect(numbering.number({ ...event, ...ends })).toMatchObject({ cursorStart: 1 });
    expect(numbering.number({ ...event, ...opens })).toMatchObject({ cursorStart: 2 });
    expect(numbering.openTurns()).toEqual([]);
  });

  it("takes ids as they are", () => {
    const numbering = new Numbering("run", 1);
    numbering.number({ threadId: "a:b", turnId: "c", ...opens });
    expect(numbering.number({ threadId: "a", turnId: "b:c", ...opens })).toMatchObject({ cursorStart: 0 });
    expect(numbering.number({ threadId: "__proto__", turnId: "constructor", ...opens })).toMatchObject({ cursorStart: 0 });
  });
});
