/** Reads JSON that nobody has checked. */

/** A JSON object's members. */
export type Fields = Readonly<Partial<Record<string, unknown>>>;

/** The members of what is an object and no array; undefined of everything else. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** The text that this is, if it is one. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The elements of a list; none where it is no list. */
export function elementsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The object that a text is; undefined where it is none. */
export function readObject(json: string): Fields | undefined {
  return fieldsOf(readJson(json));
}

/** The item of a message's payload: all of it, or under `item`. */
export function itemOf(payloadJson: string | undefined): Readonly<Record<string, unknown>> {
  const payload = readObject(payloadJson ?? "") ?? {};
  const { params, item } = payload;
  return fieldsOf(fieldsOf(params)?.["item"] ?? item) ?? payload;
}

/** What a text says in JSON; undefined where it is none. */
export function readJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
