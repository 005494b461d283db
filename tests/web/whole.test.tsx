// What is too large for a list is read on request, piece by piece.
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { Item } from "../../example/web/src/items/item.js";
import type { Readers } from "../../example/web/src/items/readers.js";
import { ReadersContext } from "../../example/web/src/items/readers.js";
import { WholeText } from "../../example/web/src/items/whole-text.js";
import { RUNS_MAX } from "../../example/web/src/terminal.js";
import type { Piece } from "../../example/web/src/whole.js";
import { WHOLE_UNITS_MAX, readWhole } from "../../example/web/src/whole.js";
import { elementsIn, message } from "./build.js";

afterEach(cleanup);

const PIECE = 1_024 * 1_024;

/** Serves a text by pieces, as the host does. */
function serve(text: string, unitsMax = PIECE) {
  const cursors: (string | null)[] = [];
  const read = async (cursor: string | null): Promise<Piece> => {
    cursors.push(cursor);
    const from = Number(cursor ?? 0);
    const to = Math.min(text.length, from + unitsMax);
    return { text: text.slice(from, to), continueCursor: String(to), isDone: to === text.length, status: "streaming" };
  };
  return { read, cursors };
}

const invalid = () => Object.assign(new Error("no"), { data: { code: "E_CURSOR_INVALID" } });
const never = new AbortController().signal;

describe("a whole text", () => {
  it("is read by its pieces, and says how far it is", async () => {
    const { read, cursors } = serve("abcdef", 2);
    const told: number[] = [];
    expect(await readWhole(read, (units) => told.push(units), never)).toEqual({
      text: "abcdef",
      isCut: false,
      status: "streaming",
    });
    expect(cursors).toEqual([null, "2", "4"]);
    expect(told).toEqual([2, 4, 6]);
  });

  it("that is replaced meanwhile is begun again, and given up in the end", async () => {
    const { read } = serve("abcdef", 2);
    let failures = 1;
    const once = async (cursor: string | null) => {
      if (cursor === "4" && failures > 0) {
        failures -= 1;
        throw invalid();
      }
      return await read(cursor);
    };
    expect(await readWhole(once, () => undefined, never)).toEqual({ text: "abcdef", isCut: false, status: "streaming" });
    let starts = 0;
    const always = async () => {
      starts += 1;
      throw invalid();
    };
    await expect(readWhole(always, () => undefined, never)).rejects.toThrow("no");
    expect(starts).toBe(3);
  });

  it("that is not there, or no longer wanted, is none", async () => {
    expect(
      await readWhole(
        async () => null,
        () => undefined,
        never,
      ),
    ).toBeUndefined();
    const ending = new AbortController();
    const { read, cursors } = serve("abcdef", 2);
    expect(await readWhole(read, () => ending.abort(), ending.signal)).toBeUndefined();
    expect(cursors).toEqual([null, "2"]);
  });

  it("without end is cut, and a cursor that does not move is not followed", async () => {
    const endless = async (cursor: string | null): Promise<Piece> => ({
      text: "x".repeat(16 * PIECE),
      continueCursor: String(Number(cursor ?? 0) + 1),
      isDone: false,
      status: "streaming",
    });
    const whole = await readWhole(endless, () => undefined, never);
    expect(whole).toMatchObject({ isCut: true });
    expect(whole?.text).toHaveLength(WHOLE_UNITS_MAX);
    const stuck = async (): Promise<Piece> => ({
      text: "x",
      continueCursor: "same",
      isDone: false,
      status: "streaming",
    });
    expect(await readWhole(stuck, () => undefined, never)).toEqual({ text: "xx", isCut: true, status: "streaming" });
  });

  it("is shown by pages once it is asked for, and asks for nothing before", async () => {
    const { read, cursors } = serve("line\n".repeat(500_000));
    const { container } = render(<WholeText label="Text" read={read} />);
    expect(cursors).toEqual([]);
    fireEvent.click(screen.getByText("Read all of it"));
    await screen.findByText("page 1 of 1,250");
    expect(cursors).toHaveLength(3);
    expect(elementsIn(container)).toBeLessThan(12);
  });

  it("that fails may be tried again", async () => {
    const { read } = serve("whole");
    let isDown = true;
    const shaky = async (cursor: string | null) => {
      if (isDown) throw new Error("offline");
      return await read(cursor);
    };
    render(<WholeText label="Text" read={shaky} />);
    fireEvent.click(screen.getByText("Read all of it"));
    isDown = false;
    fireEvent.click(await screen.findByText("It could not be read. Try again"));
    expect(await screen.findByText("whole")).toBeDefined();
  });
});

describe("an item that is too large for a list", () => {
  const stub = { type: "commandExecution", id: "m", $payload: { units: 1_240_000 } };
  const readersOf = (payload: string): Readers => {
    const { read } = serve(payload);
    return {
      text: async (_, cursor) => await read(cursor),
      payload: async (_, cursor) => await read(cursor),
    };
  };
  const large = (sourceItemType: string) =>
    message({ role: "tool", sourceItemType, text: "x", item: stub, payloadTruncated: true });

  it("says so, with nothing to click where nothing can be read", () => {
    const { container } = render(<Item message={large("commandExecution")} />);
    expect(container.textContent).toContain(
      "Output too large for a list (1.2 million characters).",
    );
    expect(container.querySelector("button")).toBeNull();
  });

  it.each([
    ["commandExecution", { aggregatedOutput: "out\n".repeat(300_000) }, "Show all 300,000 lines"],
    [
      "fileChange",
      { changes: [{ path: "a", kind: { type: "add" }, diff: "x\n".repeat(300_000) }] },
      "+300,000",
    ],
    [
      "mcpToolCall",
      { result: { content: [{ type: "text", text: "r\n".repeat(300_000) }] } },
      "Show all 300,000 lines",
    ],
  ])("%s: all of it is there after a click, bounded", async (type, item, shown) => {
    const { container } = render(
      <ReadersContext.Provider value={readersOf(JSON.stringify(item))}>
        <Item message={large(type)} />
      </ReadersContext.Provider>,
    );
    fireEvent.click(screen.getByText("Read all of it"));
    expect(await screen.findByText(shown)).toBeDefined();
    expect(elementsIn(container)).toBeLessThan(RUNS_MAX);
  });

  it.each([
    ["an answer", { text: "the" }],
    ["what somebody asked for", { role: "user", sourceItemType: "userMessage", text: "the" }],
    ["reasoning", { sourceItemType: "reasoning", text: "**Title**\n\nthe", status: "streaming" }],
  ] as const)("%s that was cut is read to its end", async (_what, given) => {
    const { container } = render(
      <ReadersContext.Provider value={readersOf("the whole answer")}>
        <Item message={message({ ...given, textTruncated: true })} />
      </ReadersContext.Provider>,
    );
    fireEvent.click(screen.getByText("Read all of it"));
    await screen.findByText("the whole answer");
    expect(container.textContent).toContain("This is only the beginning of the text.");
  });
});
