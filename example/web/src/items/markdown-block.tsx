import type { AlignType, Nodes, Parent, RootContent, Table, TableRow } from "mdast";
import type { ReactNode } from "react";
import { memo, useMemo } from "react";
import type { Parsed } from "../markdown/parse.js";
import { parseBlock, textOf } from "../markdown/parse.js";
import { Caret } from "./caret.js";
import { CodeBlock } from "./code-block.js";
import { Link } from "./link.js";
import { Visible } from "./visible.js";

/** A block's elements: what comes after them is shown as it was written. */
export const ELEMENTS_MAX = 600;
/** A nest is drawn this deep; what is deeper is shown as it was written. */
export const DEPTH_MAX = 12;

/** Elements that a node is made of, where it is not one. */
const COST = new Map([
  ["link", 4],
  ["image", 4],
  ["inlineCode", 2],
  ["code", 10],
]);

/** The page's own headings are above these. */
const HEADINGS = ["h3", "h4", "h5", "h6", "h6", "h6"] as const;

/**
 * One block of Markdown. Every element is made by this file's own hand out of a parsed tree, in which HTML is text: there is
 * none that Codex could have named.
 */
export const MarkdownBlock = memo(function MarkdownBlock({
  text,
  head,
  isWriting,
}: {
  text: string;
  head?: string | undefined;
  isWriting: boolean;
}) {
  const parsed = useMemo(() => parseBlock(text, isWriting, head), [text, isWriting, head]);
  return new Drawing(parsed, isWriting, head !== undefined).all();
});

/** Where a text that is being written ends: the innermost last paragraph. */
function endOf(parsed: Parsed): Nodes | undefined {
  let node: Nodes | undefined = parsed.root;
  while (node !== undefined && node.type !== "paragraph" && node.type !== "heading") {
    node = "children" in node ? node.children.at(-1) : undefined;
  }
  return node;
}

/** One drawing of a block: it counts its elements. */
class Drawing {
  private readonly parsed: Parsed;
  private readonly isWriting: boolean;
  private readonly end: Nodes | undefined;
  /** The table whose header is repeated. */
  private readonly continued: Nodes | undefined;
  private left = ELEMENTS_MAX;

  constructor(parsed: Parsed, isWriting: boolean, isContinued: boolean) {
    this.parsed = parsed;
    this.isWriting = isWriting;
    this.continued = isContinued ? parsed.root.children[0] : undefined;
    this.end = isWriting ? endOf(parsed) : undefined;
  }

  all(): ReactNode {
    return (
      <>
        {this.children(this.parsed.root, 0)}
        {this.isWriting && this.end === undefined && <Caret />}
      </>
    );
  }

  private children(parent: Parent, depth: number): ReactNode[] {
    const drawn: ReactNode[] = [];
    for (const [i, child] of parent.children.entries()) {
      if (this.left <= 0 && child.type !== "text") {
        drawn.push(this.asWritten(child, parent.children.at(-1)));
        break;
      }
      drawn.push(this.node(child, i, depth));
    }
    return drawn;
  }

  private node(node: RootContent, key: number, depth: number): ReactNode {
    if (node.type === "text") return node.value;
    if (depth >= DEPTH_MAX) return this.asWritten(node, node);
    this.left -= COST.get(node.type) ?? 1;
    const inner = () => this.children(node as Parent, depth + 1);
    switch (node.type) {
      case "paragraph":
        return (
          <p key={key}>
            {inner()}
            {node === this.end && <Caret />}
          </p>
        );
      case "heading": {
        const Heading = HEADINGS[node.depth - 1] ?? "h6";
        return (
          <Heading key={key}>
            {inner()}
            {node === this.end && <Caret />}
          </Heading>
        );
      }
      case "strong":
        return <strong key={key}>{inner()}</strong>;
      case "emphasis":
        return <em key={key}>{inner()}</em>;
      case "delete":
        return <del key={key}>{inner()}</del>;
      case "inlineCode":
        return (
          <code key={key}>
            <Visible text={node.value} />
          </code>
        );
      case "code":
        return <CodeBlock key={key} text={node.value} language={node.lang ?? ""} isFirst isLast />;
      case "blockquote":
        return <blockquote key={key}>{inner()}</blockquote>;
      case "list": {
        const List = node.ordered === true ? "ol" : "ul";
        const start =
          node.ordered === true && node.start !== 1 ? (node.start ?? undefined) : undefined;
        return (
          <List key={key} {...(start === undefined ? {} : { start })}>
            {inner()}
          </List>
        );
      }
      case "listItem": {
        const isChecked = node.checked ?? undefined;
        return (
          <li key={key} className={isChecked === undefined ? undefined : "task"}>
            {isChecked !== undefined && (
              <span role="img" aria-label={isChecked ? "done" : "to do"}>
                {isChecked ? "☑" : "☐"}
              </span>
            )}
            {inner()}
          </li>
        );
      }
      case "table":
        return this.table(node, key, depth);
      case "thematicBreak":
        return <hr key={key} />;
      case "break":
        return <br key={key} />;
      case "link":
        return (
          <Link key={key} url={node.url} text={textOf(node)}>
            {inner()}
          </Link>
        );
      case "image":
        // Never loaded: whoever serves it would learn that it was read.
        return <Link key={key} url={node.url} text={`image: ${node.alt ?? ""}`.trim()} />;
      case "footnoteReference":
        return <sup key={key}>[{node.label ?? node.identifier}]</sup>;
      case "footnoteDefinition":
        return (
          <div key={key} className="note">
            [{node.label ?? node.identifier}] {inner()}
          </div>
        );
      case "html":
      default:
        // What no element is made for is a text: HTML above all.
        return this.asWritten(node, node, key);
    }
  }

  private table(table: Table, key: number, depth: number): ReactNode {
    const { align, children: rows } = table;
    const [head, ...body] = rows;
    // A row is drawn whole or not at all.
    const hasRoomFor = (row: TableRow | undefined) =>
      row !== undefined && this.left > row.children.length;
    if (!hasRoomFor(head)) return this.asWritten(table, table, key);
    const row = (index: number) => {
      const cells = rows[index]?.children ?? [];
      const Cell = index === 0 ? "th" : "td";
      this.left -= 1 + cells.length;
      return (
        <tr key={index}>
          {cells.map((cell, i) => (
            <Cell key={i} className={alignClass(align?.[i])}>
              {this.children(cell, depth + 2)}
            </Cell>
          ))}
        </tr>
      );
    };
    const header = row(0);
    const drawn: ReactNode[] = [];
    let count = 0;
    for (; hasRoomFor(body[count]); count += 1) drawn.push(row(count + 1));
    const next = body[count];
    const label = table === this.continued ? "Table, continued" : "Table";
    return (
      <div key={key} className="table" tabIndex={0} role="region" aria-label={label}>
        <table>
          <thead>{header}</thead>
          <tbody>{drawn}</tbody>
        </table>
        {next !== undefined && <p className="as-written">{this.asWritten(next, body.at(-1))}</p>}
      </div>
    );
  }

  /** From one node to another, by the letter; nothing of a header that is repeated. */
  private asWritten(first: Nodes, last: Nodes | undefined, key?: number): ReactNode {
    const from = Math.max(first.position?.start.offset ?? 0, this.parsed.textAt);
    const to = last?.position?.end.offset ?? from;
    const text = this.parsed.source.slice(from, to);
    return key === undefined ? text : <span key={key}>{text}</span>;
  }
}

function alignClass(align: AlignType | undefined): string | undefined {
  return align === "right" || align === "center" ? `align-${align}` : undefined;
}
