import type { ConvexHttpClient } from "convex/browser";

export const DEMO_IDENTITY: { issuer: string; subject: string; name: string };
export interface ServedExample {
  readonly convex: ConvexHttpClient;
  readonly deviceToken: string;
  readonly origins: readonly string[];
  addressOf(threadId: string): string;
  close(): Promise<void>;
}
export function serveExample(): Promise<ServedExample>;
