import type { ConvexClient } from "convex/browser";

export interface TerminalOptions {
  client: ConvexClient;
  write: (text: string) => void;
  onError: (error: Error) => void;
}
export class Terminal {
  constructor(options: TerminalOptions);
  follow(threadId: string): void;
  isSettled(quietMs: number): boolean;
  close(): Promise<void>;
}
export function connectTerminal(options: { deploymentUrl: string; authToken?: string }): ConvexClient;
