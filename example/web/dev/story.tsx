// Development only: the page on scripted rows, without a deployment. It is no part of the build.
// `?scene=` is one of the scenes below, or `asking`; `#write` lets the last answer be written.
import type { CodexUIMessage, UseCodexMessagesResult } from "convex-codex-local/react";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import type { Readers } from "../src/items/readers.js";
import { ReadersContext } from "../src/items/readers.js";
import { Transcript } from "../src/thread/transcript.js";
import { AskingScene } from "./asking.js";
import { ANSWER, FINISHED, RUNNING } from "./fixtures.js";
import "../src/styles/index.css";

const LETTERS_AT_ONCE = 7;
const WRITE_EVERY_MS = 60;

const LOADED = { status: "Exhausted", isLoading: false, loadMore: () => undefined } as const;

const SCENES: Record<string, () => UseCodexMessagesResult> = {
  running: () => ({ ...LOADED, results: RUNNING, threadStatus: "active" }),
  finished: () => ({
    ...LOADED,
    status: "CanLoadMore",
    results: FINISHED,
    threadStatus: "archived",
  }),
  empty: () => ({ ...LOADED, results: [], threadStatus: "active" }),
  missing: () => ({ ...LOADED, results: [], threadStatus: "missing" }),
  loading: () => ({ ...LOADED, status: "LoadingFirstPage", isLoading: true, results: [] }),
  failed: () => ({ ...LOADED, results: [], error: new Error("Could not find public function") }),
};

const PIECES = 4;
const LINES_A_PIECE = 10_000;

/** What is too large for a list, in pieces: forty thousand lines. */
const READERS: Readers = {
  text: (_, cursor) => Promise.resolve(piece(Number(cursor ?? 0), (line) => `${line}\n`)),
  payload: (_, cursor) =>
    Promise.resolve(
      piece(Number(cursor ?? 0), (line) => `${line}\\n`, ['{"aggregatedOutput":"', '"}']),
    ),
};

function piece(index: number, draw: (line: string) => string, [before, after] = ["", ""]) {
  const isDone = index === PIECES - 1;
  const lines = Array.from({ length: LINES_A_PIECE }, (_, i) =>
    draw(`line ${index * LINES_A_PIECE + i + 1} of a long output`),
  );
  const text = (index === 0 ? before : "") + lines.join("") + (isDone ? after : "");
  return { text, isDone, continueCursor: `${index + 1}`, status: "streaming" as const };
}

function Story() {
  const scene = new URLSearchParams(location.search).get("scene") ?? "running";
  if (scene === "asking") return <AskingScene readers={READERS} />;
  return <Scene messages={(SCENES[scene] ?? SCENES["running"])?.() ?? { ...LOADED, results: [] }} />;
}

/** All of a scene, as high as it is. */
function Scene({ messages }: { messages: UseCodexMessagesResult }) {
  const [viewport, viewportRef] = useState<HTMLElement | null>(null);
  const letters = useLetters(location.hash === "#write");
  const results = messages.results.map((message: CodexUIMessage) =>
    message.messageId === "writing" ? { ...message, text: ANSWER.slice(0, letters) } : message,
  );
  return (
    <ReadersContext.Provider value={READERS}>
      <main className="scroll" ref={viewportRef}>
        <div className="transcript">
          <Transcript messages={{ ...messages, results }} outline={results} viewport={viewport} />
        </div>
      </main>
    </ReadersContext.Provider>
  );
}

function useLetters(isWriting: boolean): number {
  const [letters, setLetters] = useState(isWriting ? 0 : ANSWER.length);
  useEffect(() => {
    if (!isWriting) return;
    const timer = setInterval(() => setLetters((n) => n + LETTERS_AT_ONCE), WRITE_EVERY_MS);
    return () => clearInterval(timer);
  }, [isWriting]);
  return letters;
}

const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<Story />);
