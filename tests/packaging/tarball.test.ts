import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PACKAGE, ROOT, filesIn, installApp, manifest, node, pack, removeFolder, temporaryFolder, writeIn } from "./app.js";

const TSC = path.join(ROOT, "node_modules/typescript/bin/tsc");
const IMPORT_ALL = "every-export.ts";

let folder: string;
let app: string;
let installed: string;
let files: string[];

beforeAll(async () => {
  folder = await temporaryFolder();
  ({ app, installed } = await installApp(folder, await pack(folder)));
  files = await filesIn(installed);
});
afterAll(() => removeFolder(folder));

const exported = async () => Object.entries((await manifest()).exports).flatMap(([name, target]) => (typeof target === "string" ? [] : [{ name, ...target }]));
const specifier = (name: string) => PACKAGE + name.slice(1);

const DOORS = ["ingest", "reads", "reasoning", "clients", "control", "devices", "threads", "commands", "presence", "imports", "sweep", "bridge"];

describe("the tarball", () => {
  test("has the wasm, its glue, its bytes and the component", () => {
    expect(files).toEqual(
      expect.arrayContaining([
        ...DOORS.flatMap((door) => [`pkg/${door}.js`, `pkg/${door}_bg.wasm`, `pkg/${door}_bytes.js`]),
        "dist/component/convex.config.js",
        "dist/component/_generated/component.d.ts",
        "package.json",
        "LICENSE",
      ]),
    );
  });

  test("has no source, no top-level convex/ and no leftover of the build", () => {
    const allowed = /^(dist\/(component|js-wrapper)\/.+\.(js|d\.ts)|pkg\/(ingest|reads|reasoning|clients|control|devices|threads|commands|presence|imports|sweep|bridge)(_\w+)?\.(js|d\.ts|wasm|wasm\.d\.ts)|package\.json|LICENSE|README\.md|CHANGELOG\.md)$/;
    expect(files.filter((file) => !allowed.test(file))).toEqual([]);
  });

  test("names no folder of the machine that built it", async () => {
    const home = process.env.HOME ?? ROOT;
    for (const file of files) {
      const bytes = await readFile(path.join(installed, file), "latin1");
      expect(bytes.includes(ROOT) || bytes.includes(`${home}/.cargo`), file).toBe(false);
    }
  });

  test("has the file behind every export", async () => {
    for (const { name, types, default: code } of await exported()) {
      for (const target of [types, code]) if (target !== undefined) expect(files, name).toContain(target.slice(2));
    }
  });

  test("has the command line, which can be run", async () => {
    const file = (await manifest()).bin[PACKAGE]!;
    expect(files).toContain(file);
    expect((await stat(path.join(installed, file))).mode & 0o111).toBe(0o111);
    expect(await readFile(path.join(installed, file), "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  test.each(DOORS)("has a glue for the %s that the isolate can load", async (door) => {
    const glue = await readFile(path.join(installed, `pkg/${door}.js`), "utf8");
    expect(glue).not.toMatch(/import\.meta|new URL|fetch\(/);
    expect(glue).toContain("export { initSync };");
  });
});

describe("an app that has it installed", () => {
  test("imports every export in Node", async () => {
    const names = (await exported()).filter(({ default: code }) => code !== undefined).map(({ name }) => name);
    await writeIn(app, { "every-export.mjs": names.map((name) => `await import(${JSON.stringify(specifier(name))});`).join("\n") });
    await node(app, "every-export.mjs");
  });

  test("runs the command line", async () => {
    const { bin, version } = await manifest();
    expect(await node(app, path.join(installed, bin[PACKAGE]!), "--version")).toBe(`${version}\n`);
  });

  test.each(DOORS)("makes the core's instance for the %s from the bytes, anew each time", async (door) => {
    await writeIn(installed, {
      "instance.mjs": `
        import { initSync } from "#wasm/${door}";
        import bytes from "#wasm/${door}_bytes";
        const module = new WebAssembly.Module(Buffer.from(bytes, "base64"));
        const first = initSync({ module });
        if (initSync({ module }).memory === first.memory) throw new Error("the same instance again");`,
    });
    await node(installed, "instance.mjs");
  });

  test.each(["nodenext", "bundler"])("type-checks against every declaration, resolved as %s does", async (resolution) => {
    const imports = (await exported()).map(({ name }, index) => `import type * as e${String(index)} from ${JSON.stringify(specifier(name))};\nexport type { e${String(index)} };`);
    const options = {
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      target: "es2022",
      lib: ["es2023", "dom", "dom.iterable"],
      types: ["node"],
      module: resolution === "bundler" ? "esnext" : resolution,
      moduleResolution: resolution,
    };
    await writeIn(app, { [IMPORT_ALL]: imports.join("\n"), "tsconfig.json": JSON.stringify({ compilerOptions: options, files: [IMPORT_ALL] }) });
    await node(app, TSC, "-p", app);
  });
});
