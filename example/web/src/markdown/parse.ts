import type { Nodes, Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";
import remend from "remend";

/** One tilde means about: `~100`. */
const SYNTAX = { extensions: [gfm({ singleTilde: false })], mdastExtensions: [gfmFromMarkdown()] };

/** What is written is completed, never taken away: neither a tag nor a comparison nor a formula is touched. */
const COMPLETED = {
  linkMode: "text-only",
  images: false,
  htmlTags: false,
  comparisonOperators: false,
  katex: false,
  inlineKatex: false,
  singleTilde: false,
} as const;

/** Quotes and lists in each other, on one line: the parser's time grows with the square of them, and its stack with them. */
const NEST = /^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){20}/m;

/** The tree of one block, and the text that its positions are in. */
export interface Parsed {
  root: Root;
  source: string;
  /** Where in it the block begins: behind the head that it was parsed after. */
  textAt: number;
}

/**
 * Parses one block of Markdown, tables and the like included.
 *
 * @param text of a block: with `head` at most `BLOCK_UNITS_MAX`
 * @param isWriting whether more of it is to come: what is begun is then taken for whole, so that `**bo` is bold
 * @param head of the table that the text goes on with
 * @returns its tree; a text that cannot be parsed, or is made to take long, is one paragraph
 */
export function parseBlock(text: string, isWriting: boolean, head = ""): Parsed {
  if (NEST.test(text)) return asWritten(text);
  try {
    const source = isWriting ? remend(head + text, COMPLETED) : head + text;
    const root = fromMarkdown(source, SYNTAX);
    // What comes after the cut may be no row.
    if (head !== "" && isHeaderOnly(root.children[0])) root.children.shift();
    return { root, source, textAt: head.length };
  } catch {
    return asWritten(text);
  }
}

function isHeaderOnly(node: Nodes | undefined): boolean {
  return node?.type === "table" && node.children.length === 1;
}

function asWritten(text: string): Parsed {
  const children: Root["children"] = [
    { type: "paragraph", children: [{ type: "text", value: text }] },
  ];
  return { root: { type: "root", children }, source: text, textAt: 0 };
}

/** The text of a node, without its marks; counts the depth, for a nest may be as deep as the block is long. */
export function textOf(node: Nodes, depth = 0): string {
  if ("value" in node) return node.value;
  if ("alt" in node) return node.alt ?? "";
  if (!("children" in node) || depth > 20) return "";
  return node.children.map((child) => textOf(child, depth + 1)).join("");
}
