/** The wasm of a door out of the text of its module, `pkg/bytes_….js`: what `tools/wasm-text.mjs` makes. */

/** What every wasm module begins with, in hex. */
const MAGIC = "0061736d";
const CODE_OF_0 = 48;
const CODE_OF_9 = 57;
const CODE_OF_A = 97;
const BYTES = 256;
/** Behind the last character that stands for a byte. */
const CODES = 0x200;

/** @param text hex; or the characters of bytes 0 to 255, and behind them those of the module */
export function wasmBytesOf(text: string): Uint8Array<ArrayBuffer> {
  return text.startsWith(MAGIC) ? fromHex(text) : fromCharacters(text);
}

function fromCharacters(text: string): Uint8Array<ArrayBuffer> {
  const byteOf = new Uint8Array(CODES);
  for (let byte = 0; byte < BYTES; byte++) byteOf[text.charCodeAt(byte)] = byte;
  const bytes = new Uint8Array(text.length - BYTES);
  for (let at = 0; at < bytes.length; at++) bytes[at] = byteOf[text.charCodeAt(BYTES + at)] ?? 0;
  return bytes;
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as { fromHex?: (hex: string) => Uint8Array<ArrayBuffer> }).fromHex;
  if (native) return native.call(Uint8Array, hex);
  const bytes = new Uint8Array(hex.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (digit(hex, 2 * at) << 4) | digit(hex, 2 * at + 1);
  return bytes;
}

function digit(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return code <= CODE_OF_9 ? code - CODE_OF_0 : code - CODE_OF_A + 10;
}
