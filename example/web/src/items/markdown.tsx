import { memo, useState } from "react";
import type { Block } from "../markdown/blocks.js";
import { NO_BLOCKS, growBlocks } from "../markdown/blocks.js";
import { Caret } from "./caret.js";
import { CodeBlock } from "./code-block.js";
import { MarkdownBlock } from "./markdown-block.js";

/** Groups that are drawn at once; what comes before them is drawn on request. */
export const GROUPS_SHOWN = 8;

/**
 * Markdown, also while it is written. What a delta costs is the block that it falls into: blocks that are complete are
 * neither parsed nor drawn again.
 *
 * @param props.text of an answer, a plan, a thought
 * @param props.isWriting whether more of it is to come
 */
export function Markdown({ text, isWriting = false }: { text: string; isWriting?: boolean }) {
  const [blocks, setBlocks] = useState(() => growBlocks(NO_BLOCKS, text));
  const [groupsShown, setGroupsShown] = useState(GROUPS_SHOWN);
  // What was cut before is gone on from: React draws again with it at once.
  if (blocks.text !== text) setBlocks(growBlocks(blocks, text));

  const { groups, closed, open } = blocks;
  const groupsHidden = Math.max(0, groups.length - groupsShown);
  const blocksHidden = groups.slice(0, groupsHidden).flat().length;
  return (
    <div className="rich">
      {groupsHidden > 0 && (
        <button
          type="button"
          className="more"
          onClick={() => setGroupsShown(groupsShown + GROUPS_SHOWN)}
        >
          {blocksHidden.toLocaleString()} earlier paragraphs
        </button>
      )}
      {groups.slice(groupsHidden).map((group) => (
        <Group key={group[0]?.at} blocks={group} />
      ))}
      {closed.map((block) => (
        <OneBlock key={block.at} block={block} />
      ))}
      {open !== undefined && <OneBlock key={open.at} block={open} isWriting={isWriting} />}
      {isWriting && (open === undefined || open.code !== undefined) && <Caret />}
    </div>
  );
}

const Group = memo(function Group({ blocks }: { blocks: readonly Block[] }) {
  return blocks.map((block) => <OneBlock key={block.at} block={block} />);
});

const OneBlock = memo(function OneBlock({
  block,
  isWriting = false,
}: {
  block: Block;
  isWriting?: boolean;
}) {
  return block.code === undefined ? (
    <MarkdownBlock text={block.text} head={block.head} isWriting={isWriting} />
  ) : (
    <CodeBlock text={block.text} {...block.code} />
  );
});
