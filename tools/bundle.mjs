// dist/component and dist/js-wrapper -> dist/lib, the code and the declarations that ship: the component module by module, as
// the Convex CLI wants it, and of the rest one file for each export, with what they share in chunks. Functions and classes keep
// their names, so that a stack can be read; spaces, comments and other names go, or the tarball is past its bound.
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";
import { ROOT } from "./cargo-tools.mjs";
import { MINIFY } from "./minify.mjs";

const DIST = path.join(ROOT, "dist");
const LIB = "dist/lib";

const { exports, bin } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
/** What is started as a process of its own: no import leads to it. */
const STARTED = ["dist/lib/cli/tape.js"];
const nameIn = (file, ending) => path.posix.relative(LIB, file).slice(0, -ending.length);
/** The file of tsc that an entry is made of; only the component keeps its folder's name. */
const madeOf = (name, ending) => path.join(DIST, name.startsWith("component/") ? "" : "js-wrapper", name + ending);
const entries = (files, ending) => Object.fromEntries(files.map((file) => nameIn(file, ending)).map((name) => [name, madeOf(name, ending)]));

/** Packages, Node's modules, and what package.json itself maps: the wasm and the component, which every half shares. */
const isExternal = (id) => !id.startsWith(".") && !path.isAbsolute(id);

async function bundleCode(input, output) {
  const bundle = await rolldown({ input, external: isExternal, platform: "neutral", onLog: failUnlessDirective });
  return (await bundle.write({ dir: LIB, minify: MINIFY, chunkFileNames: "chunks/[name].js", ...output })).output;
}

/** `"use client"` stays where it has to, at the head of its entry; what else the bundler says is ours to mend. */
function failUnlessDirective(_level, { code, message }) {
  if (code !== "MODULE_LEVEL_DIRECTIVE") throw new Error(message);
}

/** A type without a public name stays without one, as before it was bundled. */
function failUnlessPrivateType({ message }) {
  if (!message.includes("private shared type exports")) throw new Error(message);
}

const componentCode = () => {
  const files = readdirSync(path.join(DIST, "component"), { recursive: true }).filter((file) => file.endsWith(".js"));
  const input = Object.fromEntries(files.map((file) => [`component/${file.slice(0, -".js".length)}`, path.join(DIST, "component", file)]));
  return bundleCode(input, { preserveModules: true, preserveModulesRoot: DIST });
};

const wrapperCode = () => {
  const files = [...Object.values(exports).map((target) => target.default), ...Object.values(bin)];
  const own = files.filter((file) => file !== undefined && !file.includes("/component/"));
  return bundleCode(entries([...own, ...STARTED], ".js"), {});
};

/** `#wasm/…` and `#component/…` are followed too: what is public of them is in the declarations, the rest is not. */
const followed = {
  name: "followed",
  resolveId(id) {
    if (id.startsWith("#wasm/")) return path.join(ROOT, "pkg", `${id.slice("#wasm/".length)}.d.ts`);
    if (id.startsWith("#component/")) return path.join(DIST, "component", id.slice("#component/".length).replace(/\.js$/, ".d.ts"));
    return null;
  },
};

/**
 * Of the wire's types, what the binary says of each in words is half the weight, 32 KB packed: the tags stay, the words are in
 * the sources, and come out of `codex app-server generate-ts`.
 */
const wireTags = {
  name: "wire-tags",
  transform(code, id) {
    if (!id.endsWith("/protocol/generated/types.d.ts")) return null;
    const [, head = "", types = ""] = /^(\/\*\*.*?\*\/\n)(.*)$/s.exec(code) ?? [];
    return head + types.replaceAll(/( *)\/\*\*(.*?)\*\/\n/gs, (_comment, indent, text) => (/@(?:deprecated|experimental)/.test(text) ? `${indent}/** ${text.match(/@\w+/g).join(" ")} */\n` : ""));
  },
};

/** Four spaces a level are 2.4 KB packed. */
const tabs = { name: "tabs", renderChunk: (code) => code.replaceAll(/^(?: {4})+/gm, (spaces) => "\t".repeat(spaces.length / 4)) };

/** A file that hands on every name of another one says so in a line: of the wire's types the names are 5 KB packed. */
const wholeFiles = {
  name: "whole-files",
  generateBundle(_options, files) {
    for (const file of Object.values(files)) {
      file.code = file.code.replaceAll(/^export \{ (.*) \} from '(.*)';$/gm, (line, names, from) => {
        const { exports: all = [] } = files[path.posix.join(path.posix.dirname(file.fileName), from).replace(/\.js$/, ".d.ts")] ?? {};
        const given = new Set(names.split(", "));
        return all.length === given.size && all.every((name) => given.has(name)) ? `export * from '${from}';` : line;
      });
    }
  },
};

async function declarations() {
  const files = Object.values(exports).flatMap(({ types }) => (types === undefined ? [] : [types]));
  const bundle = await rollup({
    input: entries(files, ".d.ts"),
    external: (id) => isExternal(id) && !id.startsWith("#"),
    onwarn: failUnlessPrivateType,
    plugins: [followed, wireTags, dts({ tsconfig: path.join(ROOT, "tsconfig.emit.json") }), tabs, wholeFiles],
  });
  // Short names between the files would be names more: 7 KB packed.
  const names = { entryFileNames: "[name].d.ts", chunkFileNames: "chunks/[name]-types.d.ts", minifyInternalExports: false };
  return (await bundle.write({ dir: LIB, ...names })).output;
}

/**
 * Makes dist/lib.
 *
 * @returns the files that it wrote, absolute
 */
export async function bundle() {
  const outputs = [await componentCode(), await wrapperCode(), await declarations()];
  return outputs.flat().map(({ fileName }) => path.join(ROOT, LIB, fileName));
}
