/** Numbers of at least 0 and below 1: the same every time by their seed. */
export function seededRandom(seed: number): () => number;
