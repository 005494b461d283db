import type { FunctionReference, PaginationOptions, PaginationResult } from "convex/server";
import { anyApi } from "convex/server";
import type { CodexMessagesPage, CodexStreamArgs } from "convex-codex-local/react";

interface Actor {
  tenantId: string;
  userId: string;
  deviceId: string;
}

export interface ThreadSummary {
  threadId: string;
  status: string;
  updatedAt: number;
}

interface Api {
  chat: {
    listThreadMessagesForHooks: FunctionReference<
      "query",
      "public",
      {
        actor: Actor;
        threadId: string;
        paginationOpts: PaginationOptions;
        streamArgs?: CodexStreamArgs;
      },
      CodexMessagesPage
    >;
    listThreads: FunctionReference<
      "query",
      "public",
      { actor: Actor; paginationOpts: PaginationOptions },
      PaginationResult<ThreadSummary>
    >;
  };
}

export const api = anyApi as unknown as Api;

export const ACTOR: Actor = { tenantId: "demo", userId: "demo", deviceId: "web-1" };
