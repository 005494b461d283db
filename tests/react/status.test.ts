import { expect, it } from "vitest";
import { codexStatus, type CodexStatusInput } from "../../js-wrapper/react/index.js";

type Message = CodexStatusInput["messages"][number];
const user = (turnId = "t"): Message => ({ turnId, role: "user", status: "completed" });
const said = (status: Message["status"], turnId = "t", role: Message["role"] = "assistant"): Message => ({ turnId, role, status });
const turn = (status: NonNullable<CodexStatusInput["turns"]>[number]["status"], turnId = "t") => ({ turnId, status });

it.each<[string, CodexStatusInput, ReturnType<typeof codexStatus>]>([
  // By messages alone.
  ["nothing was said", { messages: [] }, "ready"],
  ["a turn was asked for and has not begun", { messages: [], isAsked: true }, "submitted"],
  ["all is said", { messages: [user(), said("completed")] }, "ready"],
  ["it is being said", { messages: [user(), said("streaming")] }, "streaming"],
  ["a command runs", { messages: [user(), said("completed"), said("streaming", "t", "tool")] }, "streaming"],
  ["something runs before what was said last", { messages: [said("streaming", "t", "tool"), said("completed")] }, "streaming"],
  ["an earlier turn never ended", { messages: [said("streaming", "t0"), user(), said("completed")] }, "ready"],
  ["it failed", { messages: [user(), said("failed")] }, "error"],
  ["it was stopped", { messages: [user(), said("interrupted")] }, "ready"],
  ["a command failed on the way", { messages: [user(), said("failed", "t", "tool")] }, "ready"],
  ["the question was sent, and nobody knows of a turn", { messages: [user()] }, "ready"],
  ["it failed, and another was asked for", { messages: [user(), said("failed")], isAsked: true }, "submitted"],
  ["one runs, and another was asked for", { messages: [user(), said("streaming")], isAsked: true }, "streaming"],
  ["asking failed", { messages: [user(), said("completed")], error: new Error("no") }, "error"],
  ["asking failed while one runs", { messages: [user(), said("streaming")], error: "no" }, "streaming"],
  ["asking failed, and is tried again", { messages: [], error: "no", isAsked: true }, "submitted"],
  ["null is no error", { messages: [], error: null }, "ready"],
  // With the thread's turns.
  ["the turn waits", { messages: [user()], turns: [turn("queued")] }, "submitted"],
  ["the turn runs, and nothing came of it yet", { messages: [user()], turns: [turn("inProgress")] }, "submitted"],
  ["the turn runs, and no message is there yet", { messages: [], turns: [turn("inProgress")] }, "submitted"],
  ["between two items of a turn", { messages: [user(), said("completed")], turns: [turn("inProgress")] }, "streaming"],
  ["one waits behind the one that runs", { messages: [user("t0"), said("streaming", "t0")], turns: [turn("queued"), turn("inProgress", "t0")] }, "streaming"],
  ["stop before the first delta", { messages: [user()], turns: [turn("interrupted")] }, "ready"],
  ["the turn failed before its first word", { messages: [user()], turns: [turn("failed")] }, "error"],
  ["the turn failed, and the next did not", { messages: [user()], turns: [turn("completed"), turn("failed", "t0")] }, "ready"],
  ["its end is known, and its message's end not yet", { messages: [user(), said("streaming")], turns: [turn("completed")] }, "ready"],
  ["no turn yet, and one was asked for", { messages: [], turns: [], isAsked: true }, "submitted"],
])("%s", (_, input, status) => {
  expect(codexStatus(input)).toBe(status);
});

it.each<[string, CodexStatusInput["turns"]]>([
  ["by messages alone", undefined],
  ["with the thread's turns", [turn("queued", "t2"), turn("inProgress", "t1"), turn("completed", "t0")]],
])("looks at no message of an earlier turn, however many there are: %s", (_, turns) => {
  let looks = 0;
  const watched = () => new Proxy(said("completed", "t0"), { get: (target, name) => ((looks += 1), Reflect.get(target, name) as unknown) });
  const earlier = Array.from({ length: 5_000 }, watched);
  for (const later of [[user("t1")], [user("t1"), said("streaming", "t1")]]) codexStatus({ messages: [...earlier, ...later], turns });
  expect(looks).toBeLessThan(10);
});

it("tells of the turn that runs where a newer message is of a turn that nobody knows yet", () => {
  const messages = [user("t1"), said("completed", "t1"), user("shown at once")];
  expect(codexStatus({ messages, turns: [turn("inProgress", "t1")] })).toBe("streaming");
});
