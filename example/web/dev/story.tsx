// Development only: the page on scripted rows, without a deployment. It is no part of the build.
// `?scene=` is one of the scenes below; `#write` lets the last answer be written.
import type { CodexUIMessage, UseCodexMessagesResult } from "convex-codex-local/react";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { Transcript } from "../src/thread/transcript.js";
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

function Story() {
  const scene = new URLSearchParams(location.search).get("scene") ?? "running";
  const messages = (SCENES[scene] ?? SCENES["running"])?.() ?? { ...LOADED, results: [] };
  const letters = useLetters(location.hash === "#write");
  const results = messages.results.map((message: CodexUIMessage) =>
    message.messageId === "writing" ? { ...message, text: ANSWER.slice(0, letters) } : message,
  );
  return (
    <main className="scroll">
      <div className="transcript">
        <Transcript messages={{ ...messages, results }} />
      </div>
    </main>
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
