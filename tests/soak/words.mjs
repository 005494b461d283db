// What the stand-in for codex says in a turn. It follows from the machine, the item's id and what was asked for alone, so that whoever reads an item anywhere knows
// what its text has to be.
import { seededRandom } from "../../tools/embedded-convex/random.mjs";

/** Some of two and more bytes, and pairs of surrogates, which a delta may cut. */
const WORDS = ["the", "cart", "total", "NaN", "rounds", "Größe", "naïve", "日本", "🙂", "price", "tests", "pass", "because", "of", "an", "empty", "line", "…"];

/** A number that a text decides. */
export function hashOf(text) {
  let hash = 2_166_136_261;
  for (const unit of text) hash = Math.imul(hash ^ unit.codePointAt(0), 16_777_619);
  return hash >>> 0;
}

/** The whole text of an item of a machine. */
export function textOf(machine, itemId) {
  const chance = seededRandom(hashOf(`${machine} ${itemId}`));
  const count = 20 + Math.floor(chance() * 60);
  return Array.from({ length: count }, () => WORDS[Math.floor(chance() * WORDS.length)]).join(" ");
}

/** The text in the pieces in which it is said. */
export function piecesOf(text) {
  const chance = seededRandom(hashOf(text));
  const pieces = [];
  for (let from = 0; from < text.length; ) {
    const to = from + 8 + Math.floor(chance() * 24);
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}
