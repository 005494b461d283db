import { createHash } from "node:crypto";
import { expect, it, test } from "vitest";
import { getImportStatusForActor, historyPage, importHistoryForActor } from "../../js-wrapper/host/convex.js";
import { FakeComponent } from "./fake-component.js";

const actor = { tenantId: "tenant", userId: "user", deviceId: "device" };
const thread = { actor, threadId: "t" };
const at = (turn: number, item: number) => ({ turn, item });
const history = [
  { id: "one", status: "completed", items: ["aaaa", "b"] },
  { id: "two", status: "failed", items: [] },
  { id: "three", status: "completed", items: ["c"] },
];
const [one, two, three] = history.map(({ items: _, ...turn }) => ({ turnId: turn.id, turnJson: JSON.stringify({ ...turn, items: [] }) }));

test.each([
  ["all of it", at(0, 0), undefined, [{ ...one, items: ['"aaaa"', '"b"'] }, { ...two, items: [] }, { ...three, items: ['"c"'] }], true],
  ["an item at least", at(0, 0), 1, [{ ...one, items: ['"aaaa"'], more: true }], false],
  ["the next one", at(0, 1), 1, [{ ...one, items: ['"b"'] }], false],
  ["a turn of which all items came", at(0, 2), 1, [{ ...one, items: [] }], false],
  ["a turn without items", at(1, 0), 1, [{ ...two, items: [] }], false],
  ["the beginning of the next turn", at(1, 0), two!.turnJson.length + 1, [{ ...two, items: [] }, { ...three, items: [], more: true }], false],
  ["the last one", at(2, 0), 1, [{ ...three, items: ['"c"'] }], true],
  ["nothing behind the end", at(3, 0), 1, [], true],
])("a page holds %s", async (_what, position, bytesMax, turns, atEnd) => {
  expect(await historyPage(history, position, bytesMax)).toEqual({ position, turns, atEnd });
});

const MIB = 1024 * 1024;

test("an item of over 3 MiB is cut down to what of it is small, and says how large it was", async () => {
  const item = { id: "c", type: "commandExecution", status: "completed", command: "ls", aggregatedOutput: "é".repeat(2 * MIB), durationMs: null };
  const json = JSON.stringify(item);
  const sha256 = createHash("sha256").update(json).digest("hex");
  const { aggregatedOutput: _, ...small } = item;
  const page = await historyPage([{ id: "one", items: [item, { id: "b" }] }], at(0, 0), 1000);
  expect(page.turns[0]!.items).toEqual([JSON.stringify({ ...small, oversize: { bytes: Buffer.byteLength(json), sha256 } }), '{"id":"b"}']);
});

test.each([
  ["of 3 MiB", 0, false],
  ["of a byte more", 1, true],
])("an item %s: cut %s", async (_what, more, isCut) => {
  const item = { id: "m", text: "" };
  item.text = "a".repeat(3 * MIB - JSON.stringify(item).length + more);
  const [json] = (await historyPage([{ id: "one", items: [item] }])).turns[0]!.items;
  expect(json!.includes("oversize")).toBe(isCut);
  if (!isCut) expect(JSON.parse(json!)).toEqual(item);
});

it("passes pages and questions on, and nothing else", async () => {
  const fake = new FakeComponent();
  const page = { ...thread, sessionId: "s", ...(await historyPage(history)) };
  await importHistoryForActor(fake.ctx, fake.component, page);
  await importHistoryForActor(fake.ctx, fake.component, { ...thread, sessionId: "s", position: at(0, 0), turns: [], historyMode: "legacy", restart: true });
  await getImportStatusForActor(fake.ctx, fake.component, thread);
  expect(fake.calls).toEqual([
    ["imports.importHistory", page],
    ["imports.importHistory", { ...thread, sessionId: "s", position: at(0, 0), turns: [], historyMode: "legacy", restart: true }],
    ["imports.getImportStatus", thread],
  ]);
});
