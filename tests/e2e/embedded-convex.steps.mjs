// What the embedded Convex promises of a call, run by `cli.mjs script` (embedded-convex.test.ts).
import { setTimeout as sleep } from "node:timers/promises";
import { ConvexClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { componentsOf } from "../../tools/embedded-convex/database.mjs";
import { serve } from "../../tools/embedded-convex/index.mjs";

const SCHEDULED_AFTER_MS = 50;
const ARGUMENT_BYTES_MAX = 16 * 1024 * 1024;
const BURNS_OVER_A_SECOND = 5e8;
const HALF_A_PAIR = "\u{1f600}".slice(0, 1);

export default async ({ call, assert, push, backend }) => {
  const rejects = (promise, pattern) =>
    assert.rejects(promise, (error) => pattern.test(error.message) || assert.fail(`unexpected: ${error.message}`));
  const rows = () => call("app:viaComponent", { fn: "list" });
  const scheduled = async () => {
    await sleep(SCHEDULED_AFTER_MS);
    await backend.t.finishInProgressScheduledFunctions();
  };

  // Components, a fresh context for every call, validators, sub-transactions
  await call("app:add", { n: 2 });
  const id = await call("app:add", { n: 1 });
  assert.deepEqual(await rows(), [1, 2]);
  assert.equal(await call("app:viaComponent", { fn: "bump" }), 1);
  assert.equal(await call("app:viaComponent", { fn: "bump" }), 1, "module state does not outlive a call");
  await rejects(call("app:viaComponent", { fn: "page" }), /only supported in the app/);
  await rejects(call("app:viaComponent", { fn: "bad" }), /Return value validation failed/);
  await rejects(call("app:add", { n: "x" }), /valid/i);
  assert.deepEqual(await call("app:boom"), { code: "nope", n: 1n });
  assert.deepEqual(await rows(), [1, 2], "a failed sub-mutation is rolled back");
  assert.deepEqual(push.response.analysis.comp.definition.exports.branch.map(([name]) => name), ["lib"]);

  // The isolate
  const first = await call("app:clock");
  const second = await call("app:clock");
  assert.ok(first.frozen);
  for (const key of ["importTime", "importRandom"]) assert.deepEqual(first[key], second[key]);
  assert.notDeepEqual(first.random, second.random, "every call has a seed of its own: two calls make two ids");
  const present = ["TextDecoder", "TextEncoder", "atob", "structuredClone", "crypto", "performance", "WeakRef"];
  assert.deepEqual(await call("app:globals"), [...present, "FinalizationRegistry", "WebAssembly", "URL", "self"]);
  await rejects(call("app:burn", { rounds: BURNS_OVER_A_SECOND }), /timed out/);
  await rejects(call("app:fetches"), /Can't use fetch/);
  await rejects(call("app:timers"), /Can't use setTimeout/);
  await rejects(call("app:evals"), /Code generation from strings disallowed/);
  assert.deepEqual(await call("app:wasm"), [5, 9]);
  assert.deepEqual(await call("app:utf8", { text: "héé" }), { own: true, back: "héé", written: 3 });
  assert.deepEqual(await call("app:who", {}, { subject: "u1" }), { app: "u1", comp: null });
  assert.deepEqual(await call("app:env"), { import: "acme", call: "acme", comp: null }, "a component does not see the app's environment");

  // Scheduled functions
  assert.deepEqual(await call("app:act"), [1, 2, 7]);
  await scheduled();
  assert.deepEqual(await rows(), [1, 2, 7, 8]);
  await call("app:later", { n: 9 });
  await scheduled();
  assert.deepEqual(await rows(), [1, 2, 7, 8, 9], "a component schedules its own function");

  // Strings that are not well-formed, arguments that are too large
  await rejects(call("app:echo", { value: { deep: [HALF_A_PAIR] } }), /lone surrogate/);
  await rejects(call("app:echo", { value: { [HALF_A_PAIR]: 1 } }), /lone surrogate/);
  await rejects(call("app:halfAPair"), /lone surrogate/);
  await rejects(call("app:storesHalfAPair"), /lone surrogate/);
  assert.equal(await call("app:echo", { value: "\\ud83d \u{1f600}" }), "\\ud83d \u{1f600}");
  await rejects(call("app:echo", { value: "x".repeat(ARGUMENT_BYTES_MAX) }), /too large/);

  // What a call costs
  const { calls } = await backend.call("app:viaComponent", { fn: "list" });
  assert.deepEqual(calls.map(({ component, fn }) => `${component}/${fn}`), ["comp/lib:list", "/app:viaComponent"]);
  const [inner, outer] = calls;
  assert.equal(inner.usage.documentsRead, 5);
  assert.equal(inner.usage.ranges, 1);
  assert.ok(inner.usage.bytesRead > 5 * 32);
  assert.equal(outer.usage.documentsRead, 0);
  assert.deepEqual(outer.totalUsage, inner.usage, "a call's total has that of the calls it made");

  // What a query leaves unread is not kept behind it
  assert.deepEqual(componentsOf(backend.t).comp.db._queryResults, {});

  const cost = await backend.measure(async () => {
    await call("app:addMany", { ns: [20, 21] });
    await call("app:edit", { id, n: 3 });
    await call("app:get", { id });
    return "done";
  });
  const { bytesRead, bytesWritten, byFunction, value, ...counts } = cost;
  assert.equal(value, "done");
  assert.deepEqual(counts, { crossings: 0, documentsRead: 1, ranges: 1, documentsWritten: 3, readsWithPatches: 2 });
  assert.equal(bytesWritten, bytesRead * 3, "a patch is as large as the document it leaves");
  assert.deepEqual(Object.keys(byFunction).sort(), ["app/app:addMany", "app/app:edit", "app/app:get", "comp/lib:add", "comp/lib:edit", "comp/lib:get"]);
  assert.equal(byFunction["comp/lib:add"].calls, 2);
  assert.equal(byFunction["comp/lib:add"].documentsWritten, 2);

  const later = await backend.measure(async () => {
    await call("app:later", { n: 30 });
    await scheduled();
  });
  assert.equal(later.byFunction["comp/lib:add"].documentsWritten, 1, "a scheduled function is measured");
  const scheduler = backend.calls.findLast(({ fn }) => fn === "app:later");
  assert.equal(scheduler.totalUsage.documentsWritten, 0, "and is not a nested call of the one that scheduled it");

  // A query runs again only when a table that it read was written, and once for all clients
  const server = await serve(push);
  const clients = [new ConvexClient(server.url), new ConvexClient(server.url)];
  const seen = { list: [], others: [] };
  const viaComponent = makeFunctionReference("app:viaComponent");
  for (const client of clients) {
    for (const fn of ["list", "others"]) client.onUpdate(viaComponent, { fn }, (value) => seen[fn].push(value));
  }
  const settled = async (count) => {
    while (seen.list.length < count) await sleep(10);
    await sleep(SCHEDULED_AFTER_MS);
  };
  await settled(clients.length);
  for (let n = 1; n <= 3; n++) {
    await clients[0].mutation(makeFunctionReference("app:add"), { n });
    await settled(clients.length * (n + 1));
  }
  const runs = (fn) => server.backend.calls.filter((one) => one.fn === `lib:${fn}`).length;
  assert.deepEqual({ list: runs("list"), others: runs("others") }, { list: 4, others: 1 });

  // The same deployment, served to somebody else
  const other = await serve(push, { backend: server.backend, identity: { issuer: "https://accounts.example", subject: "bob" } });
  const bob = new ConvexClient(other.url);
  assert.equal(await bob.query(makeFunctionReference("app:whoAmI"), {}), "bob");
  assert.equal(await clients[0].query(makeFunctionReference("app:whoAmI"), {}), null);
  await bob.mutation(makeFunctionReference("app:add"), { n: 4 });
  await settled(clients.length * 5);
  await bob.close();
  await other.close();
  for (const client of clients) await client.close();
  await server.close();
};
