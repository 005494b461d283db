import { afterEach, describe, expect, it, vi } from "vitest";
import { advanceReveal, revealWhole, type RevealPace } from "../../js-wrapper/react/reveal.js";

const PACE: RevealPace = { drainMs: 250, maxCharIntervalMs: 5, maxCharsPerFrame: Number.POSITIVE_INFINITY };
const NOTHING = { length: 0, from: 0, atMs: 0 };

afterEach(() => {
  vi.restoreAllMocks();
});

/** Every beginning that is shown, by frames of `frameMs`. */
function frames(text: string, pace: Partial<RevealPace> = {}, frameMs = 5, shown = ""): string[] {
  const seen: string[] = [];
  let reveal = revealWhole(shown);
  for (let nowMs = frameMs; reveal.length < text.length; nowMs += frameMs) {
    const next = advanceReveal(text, reveal, nowMs, { ...PACE, ...pace });
    if (next !== reveal) seen.push(text.slice(0, next.length));
    reveal = next;
  }
  return seen;
}

describe("how far a text is revealed", () => {
  it.each([
    ["little waits: a character each maxCharIntervalMs", "abcd", {}, 5, ["a", "ab", "abc", "abcd"]],
    ["a frame that takes longer shows more", "abcdef", {}, 15, ["abc", "abcdef"]],
    ["a frame that takes less waits", "ab", {}, 2, ["a", "ab"]],
    ["what is left of a frame's time counts in the next", "abcde", {}, 7, ["a", "ab", "abcd", "abcde"]],
    ["a bound for each frame", "abcdef", { maxCharsPerFrame: 2 }, 100, ["ab", "abcd", "abcdef"]],
  ])("%s", (_, text, pace, frameMs, shown) => {
    expect(frames(text, pace, frameMs)).toEqual(shown);
  });

  it("much waits: it is shown within about drainMs, and the end slows down", () => {
    const counts = frames("x".repeat(1_000), {}, 50).map((shown) => shown.length);
    expect(counts[0]).toBe(200);
    expect(counts.length).toBeLessThan(20);
    expect(frames("x".repeat(1_000), { drainMs: 50 }, 50)).toHaveLength(1);
  });

  it("nothing waits, or no time has passed: the same", () => {
    const whole = revealWhole("ab");
    expect(advanceReveal("ab", whole, 1_000, PACE)).toBe(whole);
    expect(advanceReveal("ab", NOTHING, 4, PACE)).toBe(NOTHING);
  });

  it("time that a bound left unused is not saved up", () => {
    const pace = { ...PACE, maxCharsPerFrame: 1 };
    const after = advanceReveal("abcd", NOTHING, 1_000, pace);
    expect(after.length).toBe(1);
    expect(advanceReveal("abcd", after, 1_004, pace)).toBe(after);
  });
});

const FAMILY = "👨‍👩‍👧‍👦";
const FLAGS = ["🇩🇪", "🇫🇷", "🇯🇵"];
const ZALGO = `e${"\u0301".repeat(100)}`;

describe("characters are never cut", () => {
  it.each([
    ["surrogate pairs", ["😀", "😁", "a"]],
    ["clusters of joined people", [FAMILY, FAMILY, "x"]],
    ["flags", FLAGS],
    ["letters with marks", ["e\u0301", "o\u0308", "n"]],
    ["more marks than are looked ahead", [ZALGO, ZALGO]],
    ["line ends of two units", ["a", "\r\n", "b"]],
    ["skin tones", ["👍🏽", "👍🏿"]],
  ])("%s", (_, characters) => {
    const ends = characters.map((_one, at) => characters.slice(0, at + 1).join(""));
    for (const frameMs of [5, 10, 15, 40]) {
      for (const maxCharsPerFrame of [1, 2, Number.POSITIVE_INFINITY]) {
        const shown = frames(characters.join(""), { maxCharsPerFrame }, frameMs);
        expect(shown.filter((one) => !ends.includes(one))).toEqual([]);
        expect(shown.at(-1)).toBe(characters.join(""));
      }
    }
  });

  it("what goes on with the last character that is shown is of it", () => {
    const shown = frames("👨‍👩a", { maxCharsPerFrame: 1 }, 5, "👨");
    expect(shown).toEqual(["👨‍👩", "👨‍👩a"]);
    expect(frames("🇩🇪🇫🇷", { maxCharsPerFrame: 1 }, 5, "🇩🇪🇫")).toEqual(["🇩🇪🇫🇷"]);
  });
});

it("what goes on with the last character of a text that was revealed to its end is of it", () => {
  const whole = advanceReveal("👨", NOTHING, 1_000, PACE);
  expect(whole.length).toBe("👨".length);
  const next = advanceReveal("👨‍👩a", whole, 2_000, { ...PACE, maxCharsPerFrame: 1 });
  expect(next.length).toBe("👨‍👩".length);
});

it("each frame looks at what it adds, not at what is shown", () => {
  let looked = 0;
  const segment = Intl.Segmenter.prototype.segment.bind(new Intl.Segmenter(undefined, { granularity: "grapheme" }));
  vi.spyOn(Intl.Segmenter.prototype, "segment").mockImplementation((text) => {
    looked += text.length;
    return segment(text);
  });
  const text = "x".repeat(10_000);
  const pace = { maxCharsPerFrame: 10 };
  const shown = frames(text, pace, 50);
  expect(shown).toHaveLength(1_000);
  // A frame adds 10 characters and looks 32 ahead; before the first, and after the last, the last character is looked for.
  expect(looked).toBeLessThanOrEqual(shown.length * (10 + 32));
});
