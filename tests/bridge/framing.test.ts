import { describe, expect, it } from "vitest";
import { type FrameFault, LineFramer } from "../../js-wrapper/bridge/framing.js";

function frame(pieces: (string | Uint8Array)[], lineBytesMax?: number): [string, FrameFault | undefined][] {
  const lines: [string, FrameFault | undefined][] = [];
  const framer = new LineFramer((line, fault) => lines.push([line, fault]), lineBytesMax);
  for (const piece of pieces) framer.push(typeof piece === "string" ? Buffer.from(piece) : piece);
  framer.end();
  return lines;
}

describe("bytes become lines", () => {
  it("wherever the bytes are cut, inside a character too", () => {
    const bytes = Buffer.from('{"a":"é😀"}\r\n\n  \n{"b":1}\nhalf');
    const expected = [['{"a":"é😀"}', undefined], ['{"b":1}', undefined], ["half", "cut"]];
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(frame([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected);
    }
    expect(frame(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  it("with U+FFFD for what is not UTF-8", () => {
    expect(frame([Uint8Array.of(0x61, 0xff, 0x62, 0x0a), "good\n"])).toEqual([["a\ufffdb", "notUtf8"], ["good", undefined]]);
  });

  it("and one over the limit is dropped, the next one is not", () => {
    expect(frame(["12345678\n", "123456789\n", "12345", "6789", "abc\nnext\n", "123456789"], 8)).toEqual([
      ["12345678", undefined],
      ["123456789", "tooLong"],
      ["123456789", "tooLong"],
      ["next", undefined],
      ["123456789", "tooLong"],
    ]);
    expect(frame(["x".repeat(10_000), "y".repeat(10_000)], 9_000)).toEqual([["x".repeat(4_096), "tooLong"]]);
  });
});
