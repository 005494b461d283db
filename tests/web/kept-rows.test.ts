// Which rows of a long thread stay in the document though they are out of view.
import { describe, expect, it } from "vitest";
import { keptRows, NEWEST_KEPT, TOUCHED_KEPT, withTouched } from "../../example/web/src/thread/kept-rows.js";
import { message } from "./build.js";

const thread = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => message({ _id: `m${from + at}` }));
const newest = (length: number) => Array.from({ length: NEWEST_KEPT }, (_, at) => length - NEWEST_KEPT + at);

describe("the rows that stay", () => {
  it("are the newest, or all of a short thread", () => {
    expect(keptRows([], [])).toEqual([]);
    expect(keptRows(thread(0, 3), ["m1"])).toEqual([0, 1, 2]);
    expect(keptRows(thread(0, 5_000), [])).toEqual(newest(5_000));
  });

  it("are what its reader touched, wherever earlier messages push it, and nothing that is gone", () => {
    const touched = ["m4999", "m700", "gone", "m650"];
    expect(keptRows(thread(600, 5_000), touched)).toEqual([50, 100, ...newest(4_400)]);
    expect(keptRows(thread(0, 5_000), touched)).toEqual([650, 700, ...newest(5_000)]);
  });

  it("are the last few that were touched", () => {
    const all = Array.from({ length: TOUCHED_KEPT + 5 }, (_, at) => `m${at}`);
    const touched = all.reduce<readonly string[]>(withTouched, []);
    expect(touched).toEqual(all.slice(5));
    expect(withTouched(touched, all.at(-1)!)).toBe(touched);
    expect(withTouched(touched, all[5]!)).toEqual([...all.slice(6), all[5]]);
  });
});
