// What a piece of streamed text costs among the rows of a thread: counted by what is read of its messages.
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Rows } from "../../example/web/src/thread/rows.js";
import type { Failed } from "../../example/web/src/thread/failed-turns.js";
import type { CodexUIMessage } from "../../js-wrapper/mapping/index.js";
import { message } from "./build.js";
import { stubInView } from "./in-view.js";

beforeEach(() => {
  stubInView({ isInView: true });
  // Nothing is laid out: every row has the same height.
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(40);
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const PIECES = 5;
const FAILED: Failed = { order: ["t0", "t1", "t2"], turns: [{ turnId: "t1", error: "Quota exceeded.", asked: undefined }] };

/** A scroller that has a height: only then are there rows in view. */
function viewportOf(height: number): HTMLElement {
  const viewport = document.createElement("div");
  Object.defineProperty(viewport, "clientHeight", { value: height });
  return viewport;
}

/** A thread of so many messages, the last of which grows, and how often anything was read of the others meanwhile. */
function readsWhileGrowing(length: number): number {
  let reads = 0;
  const counted = (one: CodexUIMessage) =>
    new Proxy(one, {
      get(target, name) {
        reads += 1;
        return Reflect.get(target, name) as unknown;
      },
    });
  const others = Array.from({ length: length - 1 }, (_, at) => counted(message({ _id: `m${at}`, messageId: `m${at}`, turnId: at < 2 ? `t${at}` : "t2", text: "said" })));
  const last = message({ _id: "last", messageId: "last", turnId: "t2", status: "streaming" });
  const viewport = viewportOf(600);
  const rows = (text: string, more: CodexUIMessage[] = []) => <Rows messages={[...others, { ...last, text }, ...more]} isWhole failed={FAILED} viewport={viewport} />;
  // What its reader touched is looked for, and is not there any more.
  const { rerender } = render(rows("", [message({ _id: "gone", turnId: "t2", text: "touched" })]));
  fireEvent.pointerDown(screen.getByText("touched"));
  rerender(rows("word"));
  reads = 0;
  for (let at = 1; at <= PIECES; at += 1) rerender(rows(`${"word ".repeat(at)}end${at}`));
  expect(screen.getByText(new RegExp(`end${PIECES}`))).toBeDefined();
  cleanup();
  return reads;
}

it("is the same in a long thread as in a short one", () => {
  const short = readsWhileGrowing(60);
  expect(readsWhileGrowing(2_000)).toBe(short);
});
