import { readFile } from "node:fs/promises";
import path from "node:path";
import { build } from "vite";
import { afterAll, beforeEach, afterEach, beforeAll, describe, expect, test } from "vitest";
import { PACKAGE, ROOT, WASM_BASE64_START, copyRepository, filesIn, generate, installApp, pack, pushedModules, removeFolder, temporaryFolder, writeIn } from "./app.js";

let packed: string;
let tarball: string;
let folder: string;

beforeAll(async () => {
  packed = await temporaryFolder();
  tarball = await pack(packed);
});
afterAll(() => removeFolder(packed));
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => removeFolder(folder));

/** The files of a production build that hold the wasm, as a file or as bytes in the code. */
async function browserFilesWithWasm(app: string, main: string): Promise<{ all: string[]; withWasm: string[] }> {
  await writeIn(app, { "index.html": '<script type="module" src="/main.js"></script>', "main.js": main });
  await build({ root: app, configFile: false, logLevel: "error", build: { assetsInlineLimit: 0 } });
  const out = path.join(app, "dist");
  const all = await filesIn(out);
  const holdsWasm = async (file: string) => file.endsWith(".wasm") || (await readFile(path.join(out, file), "utf8")).includes(WASM_BASE64_START);
  const found = await Promise.all(all.map(holdsWasm));
  return { all, withWasm: all.filter((_, index) => found[index]) };
}

describe("a page that Vite bundles", () => {
  test.each(["the hooks", "the store of assistant-ui", "the package itself", "the client", "the builders", "the protocol"])("holds no wasm where it imports %s", async (what) => {
    const { app } = await installApp(folder, tarball);
    const entry = { "the hooks": "/react", "the store of assistant-ui": "/assistant-ui", "the package itself": "", "the client": "/client", "the builders": "/app-server", "the protocol": "/protocol" }[what] ?? "";
    const { all, withWasm } = await browserFilesWithWasm(app, `import * as all from "${PACKAGE}${entry}";\nconsole.log(all);`);
    expect(all.some((file) => file.endsWith(".js"))).toBe(true);
    expect(withWasm).toEqual([]);
  });

  test("holds it once, in its code, where it imports the core", async () => {
    const { app, installed } = await installApp(folder, tarball);
    const core = path.join(installed, "pkg/ingest");
    const { withWasm } = await browserFilesWithWasm(app, `import * as glue from "${core}.js";\nimport bytes from "${core}_bytes.js";\nconsole.log(glue, bytes);`);
    expect(withWasm).toHaveLength(1);
    expect(withWasm[0]).toMatch(/\.js$/);
  });
});

describe("an app that the Convex CLI pushes", () => {
  const withWasm = (modules: Record<string, string>) => Object.keys(modules).filter((file) => modules[file]?.includes(WASM_BASE64_START));

  test("holds no wasm in its own modules, the component once each that it asks", async () => {
    const { app, installed } = await installApp(folder, tarball);
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
    expect(withWasm(own ?? {})).toEqual([]);
    const [component, ...others] = Object.values(components);
    expect(others).toEqual([]);
    const holding = async (door: string) => {
      const { default: bytes } = (await import(path.join(installed, `pkg/${door}_bytes.js`))) as { default: string };
      return Object.values(component ?? {}).filter((code) => code.includes(bytes)).length;
    };
    expect(await Promise.all(["ingest", "reads", "reasoning", "clients", "control", "devices", "threads", "commands", "presence", "imports", "sweep", "bridge"].map(holding))).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    expect(withWasm(component ?? {})).toHaveLength(11);
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
