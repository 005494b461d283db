/**
 * Every public function with every argument as its validator takes it and nobody would send it: it answers, or refuses with a code of
 * ours, and no row is larger than Convex takes, which convex-test does not look at.
 */
import { ConvexError, getDocumentSize, type Value } from "convex/values";
import { expect, test } from "vitest";
import { dump, OWNER, startComponent } from "./build.js";
import { functions, givenTo, ownerWorks } from "./strangers.js";

const MiB = 1024 * 1024;
const STRINGS = ["", "x".repeat(1_100), "x".repeat(5_000), "\u6f22".repeat(MiB / 2), "\0\u0007", "\u{1F4A5}", 'a"b:/$_', "null", "[]", "{}", '{"a":1}', "9".repeat(400)];
const NUMBERS = [Number.NaN, Infinity, -Infinity, -1, -0, 0, 0.5, 2 ** 53, 1e308];
/** Below the elements that an array of Convex may have. */
const MANY = 5_000;

/** What may stand in a value's place, one place of it at a time. */
function* oddities(value: Value | undefined): Generator<Value> {
  if (typeof value === "string") yield* STRINGS;
  else if (typeof value === "number") yield* NUMBERS;
  else if (Array.isArray(value)) {
    const [first, ...rest] = value;
    yield [];
    if (first !== undefined) yield Array.from({ length: MANY }, () => first);
    for (const odd of oddities(first)) yield [odd, ...rest];
  } else if (value !== null && typeof value === "object" && !(value instanceof ArrayBuffer)) {
    const members = Object.entries(value);
    for (const [key, inside] of members) for (const odd of oddities(inside)) yield Object.fromEntries([...members, [key, odd]]);
  }
}

test.each(functions.map((found) => [found.name, found] as const))("%s", async (_name, found) => {
  for (const arg of found.args.filter((name) => name !== "actor")) {
    const component = startComponent();
    await ownerWorks(component);
    const given = givenTo(found, OWNER);
    for (const odd of oddities(given[arg])) {
      const refused: unknown = await found.call(component, { ...given, [arg]: odd }).then(
        () => undefined,
        (error: unknown) => error,
      );
      // What is none of its words, a validator refuses before the function is asked.
      const isOurs = refused === undefined || refused instanceof ConvexError || /^Validator error/.test((refused as Error).message);
      expect(isOurs, `${arg}: ${JSON.stringify(odd).slice(0, 80)}: ${String(refused)}`).toBe(true);
      if (refused instanceof ConvexError) expect((refused.data as { code: string }).code, `${arg}: ${JSON.stringify(odd).slice(0, 80)}`).not.toBe("E_INTERNAL");
    }
    const rows = Object.entries(await dump(component)).flatMap(([table, docs]) => docs.map((doc) => [table, getDocumentSize(doc)] as const));
    expect(rows.filter(([, bytes]) => bytes > MiB), `rows larger than Convex takes, by ${arg}`).toEqual([]);
  }
});
