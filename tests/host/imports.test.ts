import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** Every module that a file reaches by its imports, types left out. */
function reached(file: URL, seen = new Set<string>()): Set<string> {
  const imports = readFileSync(file, "utf8").matchAll(/^(?:import|export)\s(?!type\s)[^;]*?from\s+"([^"]+)"/gm);
  for (const [, name] of imports) {
    const from = name!.startsWith(".") ? file : new URL("../../convex/", import.meta.url);
    const isOwn = /^(\.|#component\/)/.test(name!);
    const found = isOwn ? new URL(name!.replace(/^#component\//, "").replace(/\.js$/, ".ts"), from) : undefined;
    const key = found?.href ?? name!;
    if (seen.has(key)) continue;
    seen.add(key);
    if (found !== undefined) reached(found, seen);
  }
  return seen;
}

describe("host/convex", () => {
  it("reaches nothing of Node, and not the core: an app's bundle holds no wasm", () => {
    const modules = [...reached(new URL("../../js-wrapper/host/convex.ts", import.meta.url))];
    const own = modules.filter((name) => name.startsWith("file:"));
    expect(own.length).toBeGreaterThan(4);
    const root = new URL("../../", import.meta.url).href;
    const beside = own.filter((name) => !name.includes("/js-wrapper/host/")).map((name) => name.slice(root.length));
    // Of the component what it answers, and none of its functions.
    expect(beside.sort()).toEqual(["convex/validators.ts", "js-wrapper/given.ts", "js-wrapper/hex.ts", "js-wrapper/oversize.ts", "js-wrapper/protocol/fields.ts"]);
    expect(modules.filter((name) => !own.includes(name)).sort()).toEqual(["convex/server", "convex/values"]);
  });
});

describe.each([
  ["the package's root", "index", ["client", "host", "mapping", "protocol"], ["validators.ts"], ["convex/server", "convex/values"]],
  ["client", "client/index", ["client", "host"], [], ["convex/values"]],
  ["app-server", "app-server/index", ["app-server", "protocol"], [], []],
  ["protocol", "protocol/index", ["protocol"], [], []],
])("%s", (_name, entry, folders, component, others) => {
  it("reaches nothing of Node and not the core, and of other packages what runs in a browser and in Convex", () => {
    const wrapper = new URL("../../js-wrapper/", import.meta.url);
    const modules = [...reached(new URL(`${entry}.ts`, wrapper))];
    const own = modules.filter((name) => name.startsWith("file:"));
    const wrappers = own.filter((name) => name.startsWith(wrapper.href));
    const found = new Set(wrappers.map((name) => name.slice(wrapper.href.length).split("/")).flatMap(([folder, file]) => (file === undefined ? [] : [folder])));
    expect([...found].sort()).toEqual(folders);
    expect(own.filter((name) => !wrappers.includes(name)).map((name) => name.slice(name.lastIndexOf("/") + 1))).toEqual(component);
    expect(modules.filter((name) => !own.includes(name)).sort()).toEqual(others);
  });
});

describe("the component", () => {
  const reachesCore = (name: string) =>
    [...reached(new URL(`../../convex/${name}.ts`, import.meta.url))].some((module) => module.includes("/js-wrapper/core/"));

  const reachesIngest = (name: string) =>
    [...reached(new URL(`../../convex/${name}.ts`, import.meta.url))].some((module) => module.endsWith("/js-wrapper/core/ingest.ts"));

  it("loads Rust only where Rust decides", () => {
    expect(["threads", "messages", "sync", "turns"].filter(reachesCore)).toEqual(["threads", "sync", "turns"]);
    expect(["approvals", "serverRequests", "sync", "turns"].filter(reachesIngest)).toEqual(["sync"]);
  });
});
