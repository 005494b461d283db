// What the parts of the benchmark share: which batches, how a part hands over its numbers, and what is said of them.

/** Pieces of text in a batch: the bridge sends 100 at most. */
export const BATCHES = [1, 20, 100, 1_000];

const MARK = "figures: ";

/** Hands numbers over to the process that started this one. */
export function report(figures) {
  console.log(MARK + JSON.stringify(figures));
}

/** The numbers in what a part has printed. */
export function reported(output) {
  const line = output.split("\n").find((text) => text.startsWith(MARK));
  if (line === undefined) throw new Error(`the part told no numbers:\n${output}`);
  return JSON.parse(line.slice(MARK.length));
}

/** The number below which `share` of them lie. */
export function quantile(numbers, share) {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export const median = (numbers) => quantile(numbers, 0.5);

/** Ratios of what was measured side by side: their median, and between which half of them lies. */
export function ratioOf(numbers, others) {
  const ratios = numbers.map((number, at) => number / others[at]);
  return { median: median(ratios), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) };
}
