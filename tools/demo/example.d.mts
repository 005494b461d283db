import type { ConvexHttpClient } from "convex/browser";

export const DEMO_IDENTITY: { issuer: string; subject: string; name: string };
export interface ServedExample {
  readonly url: string;
  readonly convex: ConvexHttpClient;
  readonly deviceToken: string;
  readonly origins: readonly string[];
  addressOf(threadId: string): string;
  close(): Promise<void>;
}
export function serveExample(options?: { wayOfPage?: (deploymentUrl: string) => Promise<string> }): Promise<ServedExample>;
