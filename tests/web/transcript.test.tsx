// What was read of a thread stays where it cannot be read just then.
import { cleanup, render, screen } from "@testing-library/react";
import type { UseCodexMessagesResult } from "convex-codex-local/react";
import { afterEach, beforeEach, it } from "vitest";
import { Transcript } from "../../example/web/src/thread/transcript.js";
import { message } from "./build.js";
import { stubSize } from "./in-view.js";

beforeEach(stubSize);
afterEach(cleanup);

it("shows a failure beside what was read, of which nothing else changes", () => {
  const results = [message({ text: "a question.", role: "user" })];
  const read = { results, status: "Exhausted", isLoading: false, loadMore: () => undefined } as const satisfies UseCodexMessagesResult;
  const at = (messages: UseCodexMessagesResult) => <Transcript messages={messages} outline={results} viewport={document.body} />;
  const { rerender } = render(at(read));
  rerender(at({ ...read, error: new Error("signed out") }));
  screen.getByText("a question.");
  screen.getByText("Start of the thread");
  screen.getByText(/Messages could not be read/);
});
