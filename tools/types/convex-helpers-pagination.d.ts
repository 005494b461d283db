// convex-helpers ships its TypeScript sources beside its declarations, and the compiler prefers them: they do not pass
// our strict flags. What we use of it, as its own declarations have it.
import type { Value } from "convex/values";

export type IndexKey = (Value | undefined)[];

export type PageRequest = {
  table: string;
  index: string;
  schema: object;
  order: "asc" | "desc";
  startIndexKey: IndexKey;
  startInclusive: boolean;
  endIndexKey: IndexKey;
  endInclusive: boolean;
  targetMaxRows: number;
  absoluteMaxRows: number;
};

export declare function getPage<Doc>(
  ctx: { db: object },
  request: PageRequest,
): Promise<{ page: Doc[]; hasMore: boolean; indexKeys: IndexKey[] }>;
