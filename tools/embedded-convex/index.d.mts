import type { TestConvex } from "convex-test";
import type { GenericSchema, SchemaDefinition } from "convex/server";

export interface Push {
  components: Map<string, { schemaObject: SchemaDefinition<GenericSchema, boolean> }>;
}
export function analyzePush(request: object): Promise<Push>;

export interface Usage {
  documentsRead: number;
  ranges: number;
  documentsWritten: number;
  readsWithPatches: number;
  bytesRead: number;
  bytesWritten: number;
  crossings: number;
}

export type Row = Record<string, unknown>;
export interface Read {
  component: string;
  table: string;
  index: string;
  range: { type: string; fieldPath: string; value: unknown }[];
  order: "asc" | "desc";
  last?: Row;
}
export interface Write {
  component: string;
  table: string;
  before: Row | null;
  after: Row | null;
}
export interface Footprint {
  reads: Read[];
  writes: Write[];
}
export interface CallRecord {
  component: string;
  fn: string;
  kind: "query" | "mutation" | "action";
  ok: boolean;
  usage: Usage;
  /** With that of the calls that it made. */
  totalUsage: Usage;
  /** UTF-16 units of the modules that it loaded. */
  moduleBytes: number;
  userMs: number;
  footprint?: Footprint;
}

type FieldsOf = (component: string, table: string, index: string) => string[];
export function firstTouch(reads: Read[], writes: Write[], fieldsOf: FieldsOf): { read: Read; write: Write } | undefined;

export interface BackendOptions {
  component?: string;
  transactionLimits?: true | Record<string, number>;
  modules?: Record<string, () => Promise<unknown>>;
  footprints?: boolean;
}
export class Backend {
  constructor(push: Push, options?: BackendOptions);
  readonly t: TestConvex<SchemaDefinition<GenericSchema, boolean>>;
  readonly calls: CallRecord[];
  readonly fieldsOf: FieldsOf;
  quickly<T>(work: () => Promise<T>): Promise<T>;
  measure<T>(work: () => Promise<T>): Promise<Usage & { value: T }>;
}
