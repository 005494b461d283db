import { expect, it } from "vitest";
import { DeadLetters } from "../../js-wrapper/outbox/letters.js";
import { delta, range } from "./build.js";

const letter = (seq: number, text = "x") => ({ seq, event: delta(seq, { text }), code: "E_ARGUMENTS", message: "no", at: 0 });
const gone = (letters: DeadLetters, seq: number, text?: string) => letters.keep(letter(seq, text)).flatMap((change) => (change.type === "unbury" ? [change.seq] : []));

it("keeps the newest 1,000 letters, those of an earlier process among them, and counts none that was let go", () => {
  const letters = new DeadLetters();
  for (const seq of range(0, 600)) letters.count(seq, letter(seq).event);
  expect(range(600, 1_000).flatMap((seq) => gone(letters, seq))).toEqual([]);
  expect(gone(letters, 1_000)).toEqual([0]);
  letters.forget(500);
  expect([gone(letters, 1_001), gone(letters, 1_002)]).toEqual([[], [1]]);
});

it("keeps the newest 64 MiB of letters, and the last one whatever it is", () => {
  const letters = new DeadLetters();
  const most = "x".repeat(30 * 1024 * 1024);
  expect([gone(letters, 0, most), gone(letters, 1, most), gone(letters, 2, most), gone(letters, 3, most.repeat(3))]).toEqual([[], [], [0], [1, 2]]);
});
