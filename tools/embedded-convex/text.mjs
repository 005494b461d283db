// What the real backend's JSON parser refuses and JavaScript's takes: a surrogate without its partner.

const SURROGATE_ESCAPE = /\\ud[89a-f]/i;

/** Refuses, as the backend does, a JSON text that holds a string which is not well-formed Unicode. */
export function assertWellFormedJson(json, what) {
  if (SURROGATE_ESCAPE.test(json)) assertWellFormed(JSON.parse(json), what);
}

/** The same for a value: keys count as strings too. */
export function assertWellFormed(value, what) {
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw new IllFormedError(what);
  } else if (Array.isArray(value)) {
    for (const element of value) assertWellFormed(element, what);
  } else if (value !== null && typeof value === "object") {
    for (const [key, field] of Object.entries(value)) {
      if (!key.isWellFormed()) throw new IllFormedError(what);
      assertWellFormed(field, what);
    }
  }
}

export class IllFormedError extends Error {
  code = "E_EMBEDDED_ILL_FORMED";
  constructor(what) {
    super(`${what}: lone surrogate in a string (not well-formed Unicode)`);
  }
}
