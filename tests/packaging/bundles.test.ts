import { readFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { beforeEach, afterEach, describe, expect, test } from "vitest";
import { DOORS } from "../../tools/doors.mjs";
import { PACKAGE, ROOT, WASM_STARTS, copyRepository, filesIn, generate, installApp, pushedModules, removeFolder, temporaryFolder, writeIn } from "./app.js";

/** What the hooks or the client may add to a page, gzipped: React and Convex are the page's own. */
const PAGE_GZIP_BYTES_MAX = 25_000;
const PEERS = /^(?:react|react-dom|convex|@assistant-ui\/react)(?:\/|$)/;
/** What Vite puts where a page asks for a module of Node. */
const NODE_BUILT_IN = /__vite-browser-external|\bnode:[a-z]/;

let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => removeFolder(folder));

/** The files of a production build, by name, without React and Convex. */
async function builtPage(app: string, main: string): Promise<Map<string, Buffer>> {
  await writeIn(app, { "index.html": '<script type="module" src="/main.js"></script>', "main.js": main });
  await build({ root: app, configFile: false, logLevel: "error", build: { assetsInlineLimit: 0, rolldownOptions: { external: PEERS } } });
  const out = path.join(app, "dist");
  return new Map(await Promise.all((await filesIn(out)).map(async (file) => [file, await readFile(path.join(out, file))] as const)));
}

/** Those that hold the wasm, as a file or as bytes in the code. */
const withWasm = (files: Map<string, Buffer>) => [...files].flatMap(([file, bytes]) => (file.endsWith(".wasm") || WASM_STARTS.some((start) => bytes.includes(start)) ? [file] : []));

describe("a page that Vite bundles", () => {
  test.each([
    ["the hooks", "/react"],
    ["the store of assistant-ui", "/assistant-ui"],
    ["the package itself", ""],
    ["the client", "/client"],
    ["the builders", "/app-server"],
    ["the protocol", "/protocol"],
  ])("holds no wasm and nothing of Node where it imports %s, and little else", async (_what, entry) => {
    const { app } = await installApp(folder);
    const files = await builtPage(app, `import * as all from "${PACKAGE}${entry}";\nconsole.log(all);`);
    const scripts = [...files].filter(([file]) => file.endsWith(".js")).map(([, bytes]) => bytes);
    expect(scripts).not.toEqual([]);
    expect(withWasm(files)).toEqual([]);
    expect(scripts.filter((bytes) => NODE_BUILT_IN.test(bytes.toString()))).toEqual([]);
    expect(scripts.reduce((sum, bytes) => sum + gzipSync(bytes).length, 0)).toBeLessThan(PAGE_GZIP_BYTES_MAX);
  });

  test("holds it once, in its code, where it imports the core", async () => {
    const { app, installed } = await installApp(folder);
    const pkg = path.join(installed, "pkg");
    const holding = withWasm(await builtPage(app, `import * as glue from "${pkg}/ingest.js";\nimport bytes from "${pkg}/bytes_ingest.js";\nconsole.log(glue, bytes);`));
    expect(holding).toHaveLength(1);
    expect(holding[0]).toMatch(/\.js$/);
  });
});

describe("an app that the Convex CLI pushes", () => {
  const modulesWithWasm = (modules: Record<string, string>) => Object.keys(modules).filter((file) => WASM_STARTS.some((start) => modules[file]?.includes(start)));

  test("holds no wasm in its own modules, the component once each that it asks", async () => {
    const { app, installed } = await installApp(folder);
    await writeIn(app, {
      "convex/convex.config.ts": `
        import { defineApp } from "convex/server";
        import codexLocal from "${PACKAGE}/convex.config";
        const app = defineApp();
        app.use(codexLocal);
        export default app;`,
      "convex/chat.ts": `
        import * as all from "${PACKAGE}";
        import * as client from "${PACKAGE}/client";
        import * as host from "${PACKAGE}/host/convex";
        import { componentsGeneric, queryGeneric } from "convex/server";
        export const names = queryGeneric({ args: {}, handler: () => [...[all, client, host].flatMap(Object.keys), typeof componentsGeneric()] });`,
    });
    const { app: own, ...components } = await pushedModules(app, folder);
    expect(own).toHaveProperty(["chat.js"]);
    expect(modulesWithWasm(own ?? {})).toEqual([]);
    const [component, ...others] = Object.values(components);
    expect(others).toEqual([]);
    // As the CLI's bundler writes a literal.
    const inAscii = (text: string) => text.replace(/[^ -~]/g, (char) => (char < "\u0100" ? `\\x${char.charCodeAt(0).toString(16).toUpperCase()}` : `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`));
    const holding = async (door: string) => {
      const { default: bytes } = (await import(path.join(installed, `pkg/bytes_${door}.js`))) as { default: string };
      return Object.values(component ?? {}).filter((code) => code.includes(inAscii(bytes))).length;
    };
    const asked = DOORS.filter((door) => door !== "bridge");
    expect(await Promise.all([...asked, "bridge"].map(holding))).toEqual([...asked.map(() => 1), 0]);
    expect(modulesWithWasm(component ?? {})).toHaveLength(asked.length);
  });
});

describe("this repository", () => {
  const contents = async (of: string) =>
    Object.fromEntries(await Promise.all((await filesIn(of)).map(async (file) => [file, await readFile(path.join(of, file), "utf8")] as const)));

  test("has the generated code that the CLI makes of its functions", async () => {
    const repository = await copyRepository(folder);
    await generate(repository, "--component-dir", "./convex");
    await generate(repository);
    for (const generated of ["convex/_generated", "example/convex/_generated"]) {
      expect(await contents(path.join(ROOT, generated)), "run: npm run codegen").toEqual(await contents(path.join(repository, generated)));
    }
  });

  const functionFiles = async (of: string) => (await filesIn(path.join(ROOT, of))).filter((file) => /^[^._][^.]*\.ts$/.test(file)).map((file) => file.replace(/\.ts$/, ".js"));

  test("pushes example/convex as the app, and convex/ as its component", async () => {
    const { app, ...components } = await pushedModules(ROOT, folder);
    const own = Object.keys(app ?? {});
    const [component] = Object.values(components).map((modules) => Object.keys(modules));
    const expected = (await functionFiles("example/convex")).filter((file) => file !== "schema.js");
    expect(own).toEqual(expect.arrayContaining(expected));
    expect(component).toEqual(expect.arrayContaining(["threads.js"]));
    expect(own).not.toContain("threads.js");
  });

  test("is refused without convex.json, which would make convex/ the app and open it to everyone", async () => {
    const repository = await copyRepository(folder, ["convex.json"]);
    await expect(pushedModules(repository, folder)).rejects.toThrow(/must use defineApp, found childComponent/);
  });
});
