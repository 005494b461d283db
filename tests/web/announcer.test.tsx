// Who does not see the page is told once that a turn has ended, and not with every word.
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { Announcer } from "../../example/web/src/thread/announcer.js";
import { message } from "./build.js";

afterEach(cleanup);

const told = () => screen.getByRole("status").textContent;
const answer = (text: string, given = {}) => [message({ role: "user", text: "why?" }), message({ _id: "m2", text, ...given })];

it("tells an answer once it is whole, and the next one too, were it the same", () => {
  const { rerender } = render(<Announcer messages={answer("Be")} turn="working" />);
  rerender(<Announcer messages={answer("Because")} turn="working" />);
  expect(told()).toBe("");
  for (const _time of [1, 2]) {
    rerender(<Announcer messages={answer("Because.")} turn="idle" />);
    expect(told()).toBe("Codex answered: Because.");
    rerender(<Announcer messages={answer("Because.")} turn="working" />);
    expect(told()).toBe("");
  }
});

it("tells nothing of what was over before the page was opened", () => {
  const { rerender } = render(<Announcer messages={[]} turn={undefined} />);
  rerender(<Announcer messages={answer("Because.")} turn="idle" />);
  expect(told()).toBe("");
});

it.each([
  ["failed", answer("Be"), "The turn failed."],
  ["interrupted", answer("Be"), "The turn was interrupted."],
  ["idle", [message({ role: "tool", text: "ls" })], "Codex is done."],
  ["idle", [message({ turnId: "before", text: "An older one." }), message({ role: "tool" })], "Codex is done."],
  ["idle", answer("x".repeat(10_000)), `Codex answered: ${"x".repeat(300)} …`],
] as const)("of a turn that is %s", (turn, messages, words) => {
  const { rerender } = render(<Announcer messages={messages} turn="working" />);
  rerender(<Announcer messages={messages} turn={turn} />);
  expect(told()).toBe(words);
});
