// The documents of this repository, read as the host of it would show them.
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import GithubSlugger from "github-slugger";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";
import type { Nodes } from "mdast";
import { ROOT } from "./app.js";

/** Folders that are built, installed or somebody else's text. */
const LEFT_OUT = new Set([".git", "node_modules", "target", "dist", "pkg", "fixtures", "_generated", "artifacts"]);

/** Something of a document, and its line. */
export interface At<Value> {
  readonly line: number;
  readonly value: Value;
}

/** A fenced block: its language, and the code that the document hides in a comment `<!-- given: … -->` before it. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  readonly given: string;
}

export interface Document {
  /** From the repository's root, with `/`. */
  readonly file: string;
  readonly blocks: readonly At<CodeBlock>[];
  /** Targets of links and pictures, as written. */
  readonly links: readonly At<string>[];
  /** What stands between backticks. */
  readonly inlineCode: readonly At<string>[];
  /** What a link to one of the headings ends in. */
  readonly anchors: ReadonlySet<string>;
}

/** Every file of the repository that is written by hand, from its root, with `/`. */
export function writtenFiles(folder = ""): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (LEFT_OUT.has(entry.name)) return [];
    return entry.isDirectory() ? writtenFiles(name) : [name];
  });
}

/** Every node of a tree, in the document's order. */
function nodesOf(node: Nodes): Nodes[] {
  return [node, ...("children" in node ? node.children.flatMap(nodesOf) : [])];
}

/** What of a heading is read: the words, without their marks. */
function wordsOf(node: Nodes): string {
  if ("value" in node) return node.value;
  return "children" in node ? node.children.map(wordsOf).join("") : "";
}

const GIVEN = /^<!-- given:\n(.*)\n-->$/s;

export function readDocument(file: string, markdown = readFileSync(path.join(ROOT, file), "utf8")): Document {
  const slugger = new GithubSlugger();
  const blocks: At<CodeBlock>[] = [];
  const links: At<string>[] = [];
  const inlineCode: At<string>[] = [];
  const anchors = new Set<string>();
  let given = "";
  for (const node of nodesOf(fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }))) {
    const line = node.position?.start.line ?? 0;
    if (node.type === "html") given = GIVEN.exec(node.value)?.[1] ?? given;
    // The fence is a line of its own.
    if (node.type === "code") blocks.push({ line: line + 1, value: { language: node.lang ?? "", text: node.value, given } });
    if (node.type === "code") given = "";
    if (node.type === "link" || node.type === "image" || node.type === "definition") links.push({ line, value: node.url });
    if (node.type === "inlineCode") inlineCode.push({ line, value: node.value });
    if (node.type === "heading") anchors.add(slugger.slug(wordsOf(node)));
  }
  return { file, blocks, links, inlineCode, anchors };
}

/** Every document of the repository. */
export const documents = writtenFiles()
  .filter((file) => file.endsWith(".md") && !file.startsWith("src/"))
  .map((file) => readDocument(file));
