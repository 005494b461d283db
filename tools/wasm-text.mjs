// A door's wasm as the text of a module. `js-wrapper/core/wasm-bytes.ts` reads both forms.
//
// Hex for the largest, which each batch asks: the isolate reads it natively. It is two characters a byte, so that gzip, which looks back
// 32 KB, finds half as much of what the doors have in common. All others have a character for each byte: 14 KB less in the tarball, for a
// half millisecond of a reader's call, and one of a call that a person makes. SOURCE: measured, 2.2 ms for 91 KB in a fresh context of
// Node 20; the sizes of `npm pack`. One kind in the middle of the other costs 6 KB: the window is lost there.

/** The doors that are in hex. */
const IN_HEX = new Set(["ingest"]);

/** Bytes by how often the doors have them, in hex: the first 93 are a character of ASCII each, which is one byte of UTF-8. */
const BY_FREQUENCY =
  "2000024101030405100b6a2128804022360806c07f650c0d74723707456b5f73614229096e6f24712d690a6c640e1b307846ff3a634f70882f4418474e496823" +
  "0f4d6d62141c385484501177a0906075675243a82c342e1a7681b8fc98b0664cf0e853e07e394bf848d07c79318283131255d819159cc856c4322ba79416338c" +
  "bc3559ad3b93f4dc99aca45158853fb37d9bb43c9d871e1fec2589cce41da117264aa99fd4bf9e965c92c6c1869a27c33d8a9597fd8b912a5e7a8db6a3a2cf57" +
  "a6e6bdc55a5baa3eaebec7cda58ec28fabeefbf1b7f77bce5de2bbdbdfb1bac9d6b5fed2e1d9efdee9f3f6fab2edafd3d5cad1dde3f5e5f2f9dae7b9d7eaebcb";

/** What a string literal in double quotes needs no escape for; behind ASCII all that is visible, but for the soft hyphen. */
function* alphabet() {
  for (let code = 0x20; code < 0x7f; code++) if (code !== 0x22 && code !== 0x5c) yield code;
  for (let code = 0xa1; ; code++) if (code !== 0xad) yield code;
}

const codes = alphabet();
const charOf = [];
for (const byte of Buffer.from(BY_FREQUENCY, "hex")) charOf[byte] = String.fromCharCode(codes.next().value);

/**
 * @param {string} door
 * @param {Uint8Array} bytes of its wasm
 * @returns {string} for a literal in double quotes: hex; or the characters of bytes 0 to 255, and behind them those of the module
 */
export function textOf(door, bytes) {
  return IN_HEX.has(door) ? Buffer.from(bytes).toString("hex") : charOf.join("") + Array.from(bytes, (byte) => charOf[byte]).join("");
}
