import { execFile } from "node:child_process";
import { chmod, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { DOORS } from "../../tools/doors.mjs";
import { PACKAGE, ROOT, filesIn, installApp, manifest, node, removeFolder, temporaryFolder, typeCheck, writeIn } from "./app.js";

const ATTW = path.join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js");
const PLAYER = path.join(ROOT, "tools/replay-codex/replay-codex.mjs");
const PACKED_BYTES_MAX = 600_000;
const IMPORT_ALL = "every-export.ts";
const SCRIPT = "script.mjs";

const execute = promisify(execFile);

let folder: string;
let app: string;
let installed: string;
let files: string[];

beforeAll(async () => {
  folder = await temporaryFolder();
  ({ app, installed } = await installApp(folder));
  files = await filesIn(installed);
});
afterAll(() => removeFolder(folder));

const exported = async () => Object.entries((await manifest()).exports).flatMap(([name, target]) => (typeof target === "string" ? [] : [{ name, ...target }]));
const specifier = (name: string) => PACKAGE + name.slice(1);

describe("the tarball", () => {
  test("has the wasm's glue, its bytes and the component", () => {
    expect(files).toEqual(
      expect.arrayContaining([
        ...DOORS.flatMap((door) => [`pkg/${door}.js`, `pkg/bytes_${door}.js`]),
        "dist/lib/component/convex.config.js",
        "dist/lib/component/_generated/component.d.ts",
        "package.json",
        "LICENSE",
      ]),
    );
  });

  test("is small", async () => {
    expect((await stat(inject("tarball"))).size).toBeLessThan(PACKED_BYTES_MAX);
  });

  test("has no source, no top-level convex/ and no leftover of the build", () => {
    const allowed = [/^dist\/lib\/.+\.(js|d\.ts)$/, /^(package\.json|LICENSE|README\.md|CHANGELOG\.md)$/, /^docs\/[A-Z_]+\.md$/, ...DOORS.map((door) => new RegExp(`^pkg/(bytes_)?${door}\\.js$`))];
    expect(files.filter((file) => !allowed.some((pattern) => pattern.test(file)))).toEqual([]);
  });

  test("has no declaration that no export leads to", async () => {
    const entries = (await exported()).flatMap(({ types }) => (types === undefined ? [] : [path.join(installed, types)]));
    const program = ts.createProgram({ rootNames: entries, options: { module: ts.ModuleKind.NodeNext, types: [], noLib: true } });
    const reached = program.getSourceFiles().map(({ fileName }) => path.relative(installed, fileName).split(path.sep).join("/"));
    expect(files.filter((file) => file.endsWith(".d.ts") && !reached.includes(file))).toEqual([]);
  });

  test("keeps what a framework has to know: the hooks are the client's", async () => {
    for (const entry of ["react", "assistant-ui"]) expect(await readFile(path.join(installed, `dist/lib/${entry}/index.js`), "utf8"), entry).toMatch(/^"use client";/);
  });

  test("is a package as publint wants one", async () => {
    const { pkg, messages } = await publint({ pack: { tarball: (await readFile(inject("tarball"))).buffer as ArrayBuffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  // ESM alone, on purpose: Convex, Vite and each Node that it works with take it, and two forms would be two instances of the core.
  test("has types that every resolver of ESM finds, says attw", async () => {
    await node(folder, ATTW, inject("tarball"), "--profile", "esm-only", "--no-emoji", "--no-color");
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
    expect(glue).toMatch(/export\{initSync\};$/);
  });

  test("has every file that its code names beside itself", async () => {
    const code = files.filter((file) => /^dist\/lib\/.*\.js$/.test(file));
    const named = await Promise.all(
      code.map(async (file) => {
        const text = await readFile(path.join(installed, file), "utf8");
        return [...text.matchAll(/new URL\(["'`]([^"'`]+)["'`],\s*import\.meta\.url\)/g)].map(([, to]) => path.posix.join(path.posix.dirname(file), to!));
      }),
    );
    expect(named.flat().sort()).toEqual(["dist/lib/cli/tape.js", "package.json"]);
    expect(files).toEqual(expect.arrayContaining(named.flat()));
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
        import bytes from "#wasm/bytes_${door}";
        import { wasmBytesOf } from ${JSON.stringify(pathToFileURL(path.join(ROOT, "dist/js-wrapper/core/wasm-bytes.js")).href)};
        const module = new WebAssembly.Module(wasmBytesOf(bytes));
        const first = initSync({ module });
        if (initSync({ module }).memory === first.memory) throw new Error("the same instance again");`,
    });
    await node(installed, "instance.mjs");
  });

  test.each(["nodenext", "bundler"])("type-checks against every declaration, resolved as %s does", async (resolution) => {
    const imports = (await exported()).map(({ name }, index) => `import type * as e${String(index)} from ${JSON.stringify(specifier(name))};\nexport type { e${String(index)} };`);
    await writeIn(app, { [IMPORT_ALL]: imports.join("\n"), [SCRIPT]: BRIDGE_SCRIPT });
    const options = { module: resolution === "bundler" ? "esnext" : resolution, moduleResolution: resolution, allowJs: true, checkJs: true };
    await typeCheck(app, [IMPORT_ALL, SCRIPT], options);
  });

  test("runs the bridge in a script of Node", async () => {
    await writeIn(app, { [SCRIPT]: BRIDGE_SCRIPT });
    await chmod(PLAYER, 0o755);
    const play = { REPLAY_TRANSCRIPT: "plain", REPLAY_AUTOPLAY: "1", REPLAY_SPEED: "0", REPLAY_EXIT_AT_END: "1" };
    const { stdout } = await execute(process.execPath, [SCRIPT], { cwd: app, env: { ...process.env, ...play, CODEX_BIN: PLAYER } });
    expect(JSON.parse(stdout)).toEqual(expect.arrayContaining(["turn/started", "item/completed", "turn/completed"]));
  });
});

describe("the peers that it is tested with", () => {
  const oldest = async () => (JSON.parse(await readFile(path.join(ROOT, "tests/packaging/oldest/package.json"), "utf8")) as { dependencies: Record<string, string> }).dependencies;

  test("begin with the lowest of its ranges", async () => {
    const { convex, react } = (await manifest()).peerDependencies;
    const lowest = await oldest();
    expect({ convex, react }).toEqual({ convex: `^${lowest["convex"]!}`, react: expect.stringMatching(new RegExp(`^\\^${lowest["react"]!} `)) });
    expect(lowest["react-dom"]).toBe(lowest["react"]);
  });
});

const BRIDGE_SCRIPT = `
  import { CodexLocalBridge } from "${PACKAGE}/bridge";
  /** @type {string[]} */
  const kinds = [];
  const bridge = new CodexLocalBridge(
    { cwd: process.cwd() },
    {
      onEvent: async (event) => void kinds.push(event.kind),
      onGlobalMessage: async () => {},
      onProtocolError: async ({ error }) => {
        throw error;
      },
    },
  );
  process.on("exit", () => console.log(JSON.stringify([...new Set(kinds)])));
  bridge.start();`;
