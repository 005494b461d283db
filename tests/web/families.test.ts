// The list of threads, agents below those that began them.
import { describe, expect, it } from "vitest";
import { familiesOf } from "../../example/web/src/sidebar/families.js";

/** A list by its rows, each `id` or `id<parent`. */
const listed = (...rows: string[]) =>
  familiesOf(
    rows.map((row) => {
      const [threadId = "", parentThreadId] = row.split("<");
      return { threadId, status: "active", updatedAt: 1, ...(parentThreadId === undefined ? {} : { parentThreadId }) };
    }),
  ).map(({ thread, depth }) => `${"-".repeat(depth)}${thread.threadId}`);

describe("a list of threads", () => {
  it.each<[string, string[], string[]]>([
    ["without agents is as it was", ["c", "a", "b"], ["c", "a", "b"]],
    ["has agents below their threads, where the first of the family stood", ["x<a", "b", "a", "y<a"], ["a", "-x", "-y", "b"]],
    ["has agents of agents", ["z<x", "a", "x<a"], ["a", "-x", "--z"]],
    ["has an agent by itself whose thread is not listed", ["x<a", "b"], ["x", "b"]],
  ])("%s", (_what, rows, want) => {
    expect(listed(...rows)).toEqual(want);
  });

  it("has every thread once, whatever its rows say", () => {
    expect(listed("a<b", "b<a", "c").map((row) => row.replace("-", "")).sort()).toEqual(["a", "b", "c"]);
  });
});
