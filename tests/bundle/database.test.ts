/** The embedded Convex keeps rows in another way than convex-test: the same answers to everything, and what a range costs is its own rows alone. */
import { Session } from "node:inspector/promises";
import { convexTest } from "convex-test";
import { defineSchema, defineTable, makeFunctionReference, mutationGeneric, queryGeneric, type DataModelFromSchemaDefinition, type GenericMutationCtx } from "convex/server";
import { v, type Value } from "convex/values";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { componentsOf, keepInOrder } from "../../tools/embedded-convex/database.mjs";
import { seededRandom } from "../../tools/embedded-convex/random.mjs";

const schema = defineSchema({
  rows: defineTable({ kind: v.string(), at: v.optional(v.any()), deep: v.optional(v.object({ at: v.optional(v.any()) })) }).index("by_kind_at", ["kind", "at"]).index("by_deep", ["deep.at"]),
  others: defineTable({ kind: v.string() }).index("by_kind", ["kind"]),
});
type Ctx = GenericMutationCtx<DataModelFromSchemaDefinition<typeof schema>>;

/** A field that is not there: arguments cannot say it otherwise. */
const ABSENT = "absent";
/** One of every type. */
const VALUES: Value[] = [ABSENT, null, -1, 0, 2, 2.5, 3n, true, "", "é", "z", [1, "a"], { a: 1 }];
const KINDS = ["one", "two", "three"];
const BOUNDS = [[], ["gt"], ["gte"], ["lt"], ["lte"], ["gt", "lt"], ["lte", "gte"]] as const;

type Bound = (typeof BOUNDS)[number][number];
interface Read {
  index: string;
  equal: Value[];
  bounds: { bound: Bound; value: Value }[];
  order: "asc" | "desc";
  /** How many rows are taken; `some` leaves the rest unread. */
  how: "collect" | "take" | "some" | "page" | "filtered";
}
/** To a row, by its place among all. */
type Change = { patch: number; at: Value } | { replace: number; kind: string } | { remove: number };
interface Inserted {
  kind: string;
  at: Value;
  deep?: { at: Value };
}
type Step = { insert: Inserted; other: boolean } | { read: Read } | { nested: Step[]; fails: boolean } | Change;

const FIELDS: Record<string, string[]> = { by_creation_time: ["_creationTime"], by_id: ["_id"], by_kind_at: ["kind", "at"], by_deep: ["deep.at"] };
const work = makeFunctionReference<"mutation">("steps:work");
const look = makeFunctionReference<"query">("steps:look");

const unlessAbsent = (value: Value) => (value === ABSENT ? undefined : value);

type Range = { [Way in Bound | "eq"]: (field: string, value: unknown) => Range };

async function read({ db }: Pick<Ctx, "db">, { index, equal, bounds, order, how }: Read): Promise<unknown> {
  const rows = db
    .query("rows")
    .withIndex(index as "by_kind_at", (query) => {
      let range = query as unknown as Range;
      const fields = FIELDS[index]!;
      for (const [at, value] of equal.entries()) range = range.eq(fields[at]!, unlessAbsent(value));
      for (const { bound, value } of bounds) range = range[bound](fields[equal.length]!, unlessAbsent(value));
      return range as never;
    })
    .order(order);
  switch (how) {
    case "collect":
      return rows.collect();
    case "take":
      return rows.take(2);
    case "page":
      return rows.paginate({ cursor: null, numItems: 3 });
    case "filtered":
      return rows.filter((query) => query.eq(query.field("kind"), "one")).collect();
    case "some": {
      const seen: unknown[] = [];
      for await (const row of rows) if (seen.push(row) === 2) break;
      return seen;
    }
  }
}

const rowOf = ({ kind, at, deep }: Inserted) => ({ kind, at: unlessAbsent(at), deep: deep && { at: unlessAbsent(deep.at) } });

async function change({ db }: Ctx, step: Change): Promise<void> {
  const rows = await db.query("rows").collect();
  const idOf = (place: number) => rows[place % rows.length]!._id;
  if (rows.length === 0) return;
  if ("patch" in step) await db.patch(idOf(step.patch), { at: unlessAbsent(step.at) });
  else if ("replace" in step) await db.replace(idOf(step.replace), { kind: step.kind, at: 1 });
  else await db.delete(idOf(step.remove));
}

async function take(ctx: Ctx, steps: Step[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const step of steps) {
    if ("insert" in step) answers.push(step.other ? await ctx.db.insert("others", { kind: "one" }) : await ctx.db.insert("rows", rowOf(step.insert) as Inserted));
    else if ("read" in step) answers.push(await read(ctx, step.read));
    else if ("nested" in step) answers.push(await ctx.runMutation(work, { steps: step.nested, fails: step.fails }).catch(String));
    else await change(ctx, step);
  }
  return answers;
}

const modules = {
  "./_generated/api.js": () => Promise.resolve({}),
  "./steps.js": () =>
    Promise.resolve({
      work: mutationGeneric({
        args: { steps: v.any(), fails: v.boolean() },
        handler: async (ctx, { steps, fails }) => {
          const answers = await take(ctx, steps as Step[]);
          if (fails) throw new Error("no");
          return answers;
        },
      }),
      look: queryGeneric({ args: { read: v.any() }, handler: (ctx, args) => read(ctx as unknown as Ctx, args.read as Read) }),
    }),
};
const start = () => convexTest({ schema, modules });
type Deployment = ReturnType<typeof start>;
function startInOrder(): Deployment {
  const deployment = start();
  keepInOrder(componentsOf(deployment)[""]!.db);
  return deployment;
}

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 }));
afterEach(() => vi.useRealTimers());

function drawn(random: () => number) {
  const below = (count: number) => Math.floor(random() * count);
  const one = <T>(of: readonly T[]) => of[below(of.length)]!;
  const readOf = (): Read => {
    const index = one(Object.keys(FIELDS));
    const equal = index === "by_kind_at" ? [[], [one(KINDS)], [one(KINDS), one(VALUES)]][below(3)]! : index === "by_deep" && below(2) === 0 ? [one(VALUES)] : [];
    const bounds = equal.length === FIELDS[index]!.length ? [] : one(BOUNDS).map((bound) => ({ bound, value: index === "by_id" ? `${10_000 + below(90)}rows`.padStart(32, "0") : one(VALUES) }));
    return { index, equal, bounds, order: one(["asc", "desc"] as const), how: one(["collect", "take", "some", "filtered"] as const) };
  };
  const stepOf = (depth: number): Step => {
    const kind = below(depth < 2 ? 10 : 9);
    if (kind < 3) return { insert: { kind: one(KINDS), at: one(VALUES), ...(below(2) > 0 && { deep: { at: one(VALUES) } }) }, other: below(5) === 0 };
    if (kind === 3) return { patch: below(50), at: one(VALUES) };
    if (kind === 4) return { replace: below(50), kind: one(KINDS) };
    if (kind === 5) return { remove: below(50) };
    if (kind < 9) return { read: readOf() };
    return { nested: stepsOf(4, depth + 1), fails: below(2) === 0 };
  };
  const stepsOf = (count: number, depth = 0) => Array.from({ length: count }, () => stepOf(depth));
  return { stepsOf, readOf };
}

test.each([1, 2, 3, 4])("every answer is convex-test's own, whatever is written and read (seed %i)", async (seed) => {
  const { stepsOf, readOf } = drawn(seededRandom(seed));
  const both = [start(), startInOrder()];
  const answered = async (work: (deployment: Deployment) => Promise<unknown>) => {
    const [wanted, got] = await Promise.all(both.map((one) => work(one).catch(String)));
    expect(got).toEqual(wanted);
    return got;
  };
  let rows = 0;
  const failures = new Set<unknown>();
  for (let call = 0; call < 25; call++) {
    const steps = stepsOf(12);
    const done = await answered((one) => one.mutation(work, { steps, fails: call % 5 === 4 }));
    if (!Array.isArray(done)) failures.add(done);
    for (const how of ["collect", "page"] as const) {
      const asked = { ...readOf(), how };
      const found = await answered((one) => one.query(look, { read: asked }));
      if (Array.isArray(found)) rows += found.length;
    }
  }
  expect([...failures]).toEqual(["Error: no"]);
  expect(rows, "ranges had something in them").toBeGreaterThan(50);
});

test("a range that no index has is refused in convex-test's own words", async () => {
  const odd = { index: "by_nothing", equal: [], bounds: [], order: "asc", how: "collect" };
  const twisted = { index: "by_kind_at", equal: [], bounds: [{ bound: "gt", value: 1 }, { bound: "gt", value: 2 }], order: "asc", how: "collect" };
  FIELDS.by_nothing = [];
  for (const asked of [odd, twisted]) {
    const [wanted, got] = await Promise.all([start(), startInOrder()].map((one) => one.query(look, { read: asked }).then(() => "answered", String)));
    expect(got).toMatch(/Cannot use index|Incorrect operator/);
    expect(got).toBe(wanted);
  }
});

/** How many functions of the embedded Convex, of convex-test and of convex are called: exact, on however busy a machine. */
async function callsOf(work: () => Promise<unknown>): Promise<number> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    await work();
    const { result } = await session.post("Profiler.takePreciseCoverage");
    const scripts = result.filter(({ url }) => /\/(?:embedded-convex|convex-test|convex)\//.test(url));
    return scripts.flatMap(({ functions }) => functions).reduce((sum, { ranges }) => sum + ranges[0]!.count, 0);
  } finally {
    session.disconnect();
  }
}

test("what a range of three rows costs does not grow with the table", async () => {
  const component = startInOrder();
  const rowsFor = (from: number, to: number) => component.mutation(work, { steps: Array.from({ length: to - from }, (_, at) => ({ insert: { kind: KINDS[0]!, at: from + at }, other: false })), fails: false });
  const asked = { index: "by_kind_at", equal: [KINDS[0]!], bounds: [{ bound: "lt", value: 3 }], order: "asc", how: "collect" };
  const cost = () => callsOf(async () => expect(await component.query(look, { read: asked })).toHaveLength(3));
  await rowsFor(0, 20);
  await cost();
  const few = await cost();
  await rowsFor(20, 400);
  const many = await cost();
  expect(few).toBeGreaterThan(50);
  // A tree's depth is not nothing: some comparisons more.
  expect(many).toBeLessThan(2 * few);
});
