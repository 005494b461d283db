/**
 * A map whose next version costs what is written to it, and not all that it holds: answers come by the hundred in a turn, and each
 * makes a new version. What was written to a version is a layer of the next; layers of about one size become one, so that an entry
 * is copied as often as sizes double.
 */
export class LayeredMap<Key, Value> {
  /** Each is larger than the next, and what is in the next is newer. */
  readonly #layers: readonly ReadonlyMap<Key, Value>[];
  readonly #written = new Map<Key, Value>();

  /** @param before The version before. It stays as it is: it is written to no more. */
  constructor(before?: LayeredMap<Key, Value>) {
    this.#layers = before === undefined ? [] : before.#all();
  }

  get(key: Key): Value | undefined {
    if (this.#written.has(key)) return this.#written.get(key);
    for (let at = this.#layers.length - 1; at >= 0; at -= 1) {
      const layer = this.#layers[at];
      if (layer?.has(key) === true) return layer.get(key);
    }
    return undefined;
  }

  set(key: Key, value: Value): this {
    this.#written.set(key, value);
    return this;
  }

  #all(): readonly ReadonlyMap<Key, Value>[] {
    if (this.#written.size === 0) return this.#layers;
    const layers = this.#layers.slice();
    let newest: ReadonlyMap<Key, Value> = this.#written;
    for (let older = layers.at(-1); older !== undefined && older.size <= newest.size; older = layers.at(-1)) {
      newest = new Map([...older, ...newest]);
      layers.pop();
    }
    return [...layers, newest];
  }
}
