/* eslint-disable */
/**
 * Generated `ComponentApi` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type { FunctionReference } from "convex/server";

/**
 * A utility for referencing a Convex component's exposed API.
 *
 * Useful when expecting a parameter like `components.myComponent`.
 * Usage:
 * ```ts
 * async function myFunction(ctx: QueryCtx, component: ComponentApi) {
 *   return ctx.runQuery(component.someFile.someQuery, { ...args });
 * }
 * ```
 */
export type ComponentApi<Name extends string | undefined = string | undefined> =
  {
    approvals: {
      listPending: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId?: string;
          paginationOpts: {
            numItems: number;
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumRowsRead?: number;
            maximumBytesRead?: number;
          };
        },
        {
          page: Array<{
            threadId: string;
            turnId: string;
            itemId: string;
            kind: string;
            reason?: string;
            createdAt: number;
            requestId: string | number;
            method: string;
            payloadJson: string;
            overruled?: {
              decisionJson: string;
              decidedBy: string;
              decidedByDevice: string;
              decidedAt: number;
              code?: string;
            };
          }>;
          isDone: boolean;
          continueCursor: string;
        },
        Name
      >;
      respond: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
          itemId: string;
          decision: "accepted" | "declined" | { json: string };
          requestId?: string | number;
          shownSha256?: string;
          mustShow?: boolean;
        },
        null,
        Name
      >;
    };
    commands: {
      cancel: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          commandId: string;
        },
        null,
        Name
      >;
      edit: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          commandId: string;
          payloadJson: string;
        },
        null,
        Name
      >;
      get: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          commandId: string;
        },
        {
          commandId: string;
          threadId: string;
          kind: "turn" | "steer" | "interrupt" | "decide" | "answer";
          payloadJson: string;
          state:
            | "queued"
            | "leased"
            | "delivered"
            | "accepted"
            | "refused"
            | "expired"
            | "cancelled"
            | "unknown";
          code?: string;
          turnId?: string;
          clientTurnId?: string;
          order: number;
          rank: number;
          deviceId: string;
          runtimeId?: string;
          lapses: number;
          expiresAt?: number;
          createdAt: number;
          updatedAt: number;
          deliveredAt?: number;
          endedAt?: number;
        },
        Name
      >;
      lease: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          runtimeId: string;
          generation: number;
          threadId: string;
          limit: number;
        },
        Array<{
          commandId: string;
          kind: "turn" | "steer" | "interrupt" | "decide" | "answer";
          payloadJson: string;
          leaseToken: string;
          leaseExpiresAt: number;
          turnId?: string;
          lapses: number;
        }>,
        Name
      >;
      list: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          open?: true;
          paginationOpts: {
            numItems: number;
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumRowsRead?: number;
            maximumBytesRead?: number;
          };
        },
        {
          page: Array<{
            commandId: string;
            threadId: string;
            kind: "turn" | "steer" | "interrupt" | "decide" | "answer";
            payloadJson: string;
            state:
              | "queued"
              | "leased"
              | "delivered"
              | "accepted"
              | "refused"
              | "expired"
              | "cancelled"
              | "unknown";
            code?: string;
            turnId?: string;
            clientTurnId?: string;
            order: number;
            rank: number;
            deviceId: string;
            runtimeId?: string;
            lapses: number;
            expiresAt?: number;
            createdAt: number;
            updatedAt: number;
            deliveredAt?: number;
            endedAt?: number;
          }>;
          isDone: boolean;
          continueCursor: string;
        },
        Name
      >;
      promote: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          commandId: string;
          expectedTurnId?: string;
        },
        null,
        Name
      >;
      report: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          commandId: string;
          leaseToken: string;
          state: string;
          turnId?: string;
          code?: string;
        },
        null,
        Name
      >;
      send: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          commandId: string;
          threadId: string;
          kind: string;
          payloadJson: string;
          ttlMs?: number;
        },
        {
          commandId: string;
          state:
            | "queued"
            | "leased"
            | "delivered"
            | "accepted"
            | "refused"
            | "expired"
            | "cancelled"
            | "unknown";
        },
        Name
      >;
    };
    devices: {
      check: FunctionReference<
        "query",
        "internal",
        { token: string },
        null | { tenantId: string; userId: string; deviceId: string },
        Name
      >;
      issueToken: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          deviceId: string;
          label?: string;
          ttlMs?: number;
          entropy: string;
        },
        { tokenId: string; token: string; deviceId: string; expiresAt: number },
        Name
      >;
      list: FunctionReference<
        "query",
        "internal",
        { actor: { tenantId: string; userId: string; deviceId: string } },
        Array<{
          tokenId: string;
          deviceId: string;
          label?: string;
          issuedBy: string;
          createdAt: number;
          expiresAt: number;
        }>,
        Name
      >;
      revokeToken: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          tokenId: string;
        },
        { revoked: boolean },
        Name
      >;
    };
    imports: {
      getImportStatus: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
        },
        null | {
          status: "running" | "completed";
          position: { turn: number; item: number };
          importedItems: number;
          quarantined: number;
          updatedAt: number;
        },
        Name
      >;
      importHistory: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          sessionId: string;
          threadId: string;
          historyMode?: string;
          restart?: boolean;
          position: { turn: number; item: number };
          turns: Array<{
            turnId: string;
            turnJson: string;
            items: Array<string>;
            more?: boolean;
          }>;
          atEnd?: boolean;
        },
        {
          status: "running" | "completed";
          position: { turn: number; item: number };
          importedItems: number;
          quarantined: number;
          updatedAt: number;
        },
        Name
      >;
    };
    messages: {
      getByTurn: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
        },
        Array<{
          messageId: string;
          turnId: string;
          turnOrder: number;
          orderInTurn: number;
          role: "user" | "assistant" | "system" | "tool";
          status: "streaming" | "completed" | "failed" | "interrupted";
          text: string;
          textTruncated?: boolean;
          textBytes?: number;
          tail?: { streamId: string; cursor: number; high?: number };
          sourceItemType: string;
          payloadJson: string;
          payloadTruncated?: boolean;
          error?: string;
          createdAt: number;
          updatedAt: number;
          completedAt?: number;
        }>,
        Name
      >;
      getPayload: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
          messageId: string;
          cursor?: string | null;
        },
        null | {
          text: string;
          bytes: number;
          isDone: boolean;
          continueCursor: string;
          status: "streaming" | "completed" | "failed" | "interrupted";
        },
        Name
      >;
      getText: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
          messageId: string;
          cursor?: string | null;
        },
        null | {
          text: string;
          bytes: number;
          isDone: boolean;
          continueCursor: string;
          status: "streaming" | "completed" | "failed" | "interrupted";
        },
        Name
      >;
      listByThread: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          paginationOpts: {
            numItems: number;
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumRowsRead?: number;
            maximumBytesRead?: number;
          };
          followed?: boolean;
        },
        {
          page: Array<{
            messageId: string;
            turnId: string;
            turnOrder: number;
            orderInTurn: number;
            role: "user" | "assistant" | "system" | "tool";
            status: "streaming" | "completed" | "failed" | "interrupted";
            text: string;
            textTruncated?: boolean;
            textBytes?: number;
            tail?: { streamId: string; cursor: number; high?: number };
            sourceItemType: string;
            payloadJson: string;
            payloadTruncated?: boolean;
            error?: string;
            createdAt: number;
            updatedAt: number;
            completedAt?: number;
          }>;
          isDone: boolean;
          continueCursor: string;
        },
        Name
      >;
    };
    presence: {
      beat: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          runtimeId: string;
          generation: number;
          phase: string;
          login?: string;
          threads: Array<{
            threadId: string;
            turnId?: string;
            pendingRequests: number;
            outboxEvents: number;
            oldestEventAt?: number;
            letsLapse?: boolean;
          }>;
        },
        { now: number; commandsWaiting: number },
        Name
      >;
      get: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          runtimeId?: string;
          threadId?: string;
        },
        {
          machine: "here" | "away" | "never";
          bridge: "up" | "stopped" | "failed" | "unknown";
          codex: "up" | "starting" | "down" | "unknown";
          login: "in" | "out" | "unknown";
          thread: "here" | "elsewhere" | "nowhere";
          runtimeId?: string;
          deviceId?: string;
          current?: {
            threadId: string;
            turnId?: string;
            pendingRequests: number;
            behind: number;
            catchingUp: boolean;
            oldestEventAt?: number;
          };
        },
        Name
      >;
      list: FunctionReference<
        "query",
        "internal",
        { actor: { tenantId: string; userId: string; deviceId: string } },
        Array<{
          runtimeId: string;
          deviceId: string;
          generation: number;
          phase:
            | "idle"
            | "starting"
            | "ready"
            | "running"
            | "reconnecting"
            | "stopping"
            | "failed"
            | "unknown";
          login: "in" | "out" | "unknown";
          away: boolean;
          beatAt: number;
          threads: Array<{
            threadId: string;
            turnId?: string;
            pendingRequests: number;
            behind: number;
            catchingUp: boolean;
            oldestEventAt?: number;
          }>;
        }>,
        Name
      >;
    };
    quarantine: {
      drop: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          eventId?: string;
        },
        { dropped: number },
        Name
      >;
      list: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          paginationOpts: {
            numItems: number;
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumRowsRead?: number;
            maximumBytesRead?: number;
          };
        },
        {
          page: Array<{
            eventId: string;
            turnId?: string;
            streamId?: string;
            kind: string;
            payloadJson: string;
            bytes: number;
            code: "E_SYNC_MALFORMED_EVENT";
            message: string;
            receivedAt: number;
          }>;
          isDone: boolean;
          continueCursor: string;
        },
        Name
      >;
    };
    readers: {
      replay: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          streamCursorsById: Array<{ streamId: string; cursor: number }>;
          runtime?: {
            saveStreamDeltas?: boolean;
            saveReasoningDeltas?: boolean;
            exposeRawReasoningDeltas?: boolean;
            maxDeltasPerStreamRead?: number;
            maxDeltasPerRequestRead?: number;
            finishedStreamDeleteDelayMs?: number;
          };
          startOrder?: number;
          liveOnly?: boolean;
          snapshots?: boolean;
        },
        {
          streams: Array<{
            streamId: string;
            state: "streaming" | "finished" | "aborted";
            turnOrder?: number;
          }>;
          streamWindows: Array<{
            streamId: string;
            status: "ok" | "rebased" | "stale";
            serverCursorStart: number;
            serverCursorEnd: number;
            holes?: Array<{ cursorStart: number; cursorEnd: number }>;
          }>;
          nextCheckpoints: Array<{ streamId: string; cursor: number }>;
          deltas: Array<{
            streamId: string;
            cursorStart: number;
            cursorEnd: number;
            kind: string;
            payloadJson: string;
          }>;
          texts: Array<{
            streamId: string;
            turnId: string;
            messageId: string;
            channel: "text" | "output";
            cursorStart: number;
            cursorEnd: number;
            text: string;
            leadingLow?: number;
            pendingHigh?: number;
          }>;
          snapshots: Array<{
            itemId: string;
            itemType: string;
            status: "streaming" | "completed" | "failed" | "interrupted";
            payloadJson: string;
            turnId: string;
            streamId: string;
          }>;
        },
        Name
      >;
      resumeReplay: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
          fromCursor: number;
          runtime?: {
            saveStreamDeltas?: boolean;
            saveReasoningDeltas?: boolean;
            exposeRawReasoningDeltas?: boolean;
            maxDeltasPerStreamRead?: number;
            maxDeltasPerRequestRead?: number;
            finishedStreamDeleteDelayMs?: number;
          };
        },
        {
          streamWindow: {
            streamId: string;
            status: "ok" | "rebased" | "stale";
            serverCursorStart: number;
            serverCursorEnd: number;
            holes?: Array<{ cursorStart: number; cursorEnd: number }>;
          };
          deltas: Array<{
            cursorStart: number;
            cursorEnd: number;
            kind: string;
            payloadJson: string;
          }>;
          texts: Array<{
            turnId: string;
            messageId: string;
            channel: "text" | "output";
            cursorStart: number;
            cursorEnd: number;
            text: string;
            leadingLow?: number;
            pendingHigh?: number;
          }>;
          nextCursor: number;
        },
        Name
      >;
    };
    reasoning: {
      listByThread: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          paginationOpts: {
            numItems: number;
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumRowsRead?: number;
            maximumBytesRead?: number;
          };
          includeRaw?: boolean;
          followed?: boolean;
        },
        {
          page: Array<{
            segmentId: string;
            eventId: string;
            turnId: string;
            itemId: string;
            messageId: string;
            channel: "summary" | "raw";
            segmentType: "textDelta" | "sectionBreak";
            text: string;
            textTruncated?: boolean;
            textBytes?: number;
            tail?: { streamId: string; cursor: number; high?: number };
            summaryIndex?: number;
            contentIndex?: number;
            cursorStart: number;
            cursorEnd: number;
            status: "streaming" | "completed" | "failed" | "interrupted";
            createdAt: number;
          }>;
          isDone: boolean;
          continueCursor: string;
        },
        Name
      >;
    };
    serverRequests: {
      listDecided: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          paginationOpts: {
            numItems: number;
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumRowsRead?: number;
            maximumBytesRead?: number;
          };
        },
        {
          page: Array<{
            requestId: string | number;
            method: string;
            threadId: string;
            turnId: string;
            itemId: string;
            payloadJson: string;
            status: "pending" | "answering" | "answered" | "expired";
            reason?: string;
            questions?: any;
            createdAt: number;
            updatedAt: number;
            resolvedAt?: number;
            responseJson?: string;
            autoResolutionMs?: number;
            overruled?: {
              decisionJson: string;
              decidedBy: string;
              decidedByDevice: string;
              decidedAt: number;
              code?: string;
            };
            decidedBy: string;
            decidedByDevice: string;
            decidedAt: number;
            decidedByPolicy?: string;
            decisionJson?: string;
            shownSha256?: string;
          }>;
          isDone: boolean;
          continueCursor: string;
        },
        Name
      >;
      listPending: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId?: string;
          limit?: number;
        },
        Array<{
          requestId: string | number;
          method: string;
          threadId: string;
          turnId: string;
          itemId: string;
          payloadJson: string;
          status: "pending" | "answering" | "answered" | "expired";
          reason?: string;
          questions?: any;
          createdAt: number;
          updatedAt: number;
          resolvedAt?: number;
          responseJson?: string;
          autoResolutionMs?: number;
          decidedBy?: string;
          decidedByDevice?: string;
          decidedAt?: number;
          overruled?: {
            decisionJson: string;
            decidedBy: string;
            decidedByDevice: string;
            decidedAt: number;
            code?: string;
          };
        }>,
        Name
      >;
      resolve: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          requestId: string | number;
          status: "answered" | "expired";
          resolvedAt: number;
          responseJson?: string;
          policy?: string;
          runtimeId?: string;
          generation?: number;
          appGeneration?: number;
        },
        null,
        Name
      >;
      upsertPending: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          requestId: string | number;
          threadId: string;
          turnId: string;
          itemId: string;
          method: string;
          payloadJson: string;
          reason?: string;
          questionsJson?: string;
          requestedAt: number;
          runtimeId?: string;
          generation?: number;
          appGeneration?: number;
        },
        null,
        Name
      >;
    };
    stats: {
      usage: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId?: string;
        },
        {
          threads: { count: number; more: boolean };
          openCommands: { count: number; max: number };
          pendingApprovals: { count: number; more: boolean };
          pendingRequests: { count: number; more: boolean };
          thread: null | {
            turns: number;
            tokens: null | {
              total: {
                totalTokens: number;
                inputTokens: number;
                cachedInputTokens: number;
                cacheWriteInputTokens: number;
                outputTokens: number;
                reasoningOutputTokens: number;
              };
              last: {
                totalTokens: number;
                inputTokens: number;
                cachedInputTokens: number;
                cacheWriteInputTokens: number;
                outputTokens: number;
                reasoningOutputTokens: number;
              };
              modelContextWindow?: number;
              updatedAt: number;
            };
            openCommands: { count: number; max: number };
            quarantine: {
              events: { count: number; max: number };
              bytes: { count: number; max: number };
            };
          };
        },
        Name
      >;
    };
    sync: {
      ensureSession: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          sessionId: string;
          threadId: string;
          lastEventCursor: number;
          runtimeId?: string;
          generation?: number;
        },
        { sessionId: string; threadId: string; status: "created" | "active" },
        Name
      >;
      heartbeat: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          sessionId: string;
          threadId: string;
          lastEventCursor: number;
        },
        null,
        Name
      >;
      ingest: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          sessionId: string;
          threadId: string;
          streamDeltas: Array<{
            type: "stream_delta";
            eventId: string;
            turnId: string;
            streamId: string;
            kind: string;
            payloadJson: string;
            cursorStart: number;
            cursorEnd: number;
            createdAt: number;
          }>;
          lifecycleEvents: Array<{
            type: "lifecycle_event";
            eventId: string;
            turnId?: string;
            kind: string;
            payloadJson: string;
            createdAt: number;
          }>;
          runtime?: {
            saveStreamDeltas?: boolean;
            saveReasoningDeltas?: boolean;
            exposeRawReasoningDeltas?: boolean;
            maxDeltasPerStreamRead?: number;
            maxDeltasPerRequestRead?: number;
            finishedStreamDeleteDelayMs?: number;
          };
        },
        {
          ackedStreams: Array<{ streamId: string; ackCursorEnd: number }>;
          ingestStatus: "ok" | "partial";
        },
        Name
      >;
      ingestSafe: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          sessionId: string;
          threadId: string;
          streamDeltas: Array<{
            type: "stream_delta";
            eventId: string;
            turnId: string;
            streamId: string;
            kind: string;
            payloadJson: string;
            cursorStart: number;
            cursorEnd: number;
            createdAt: number;
          }>;
          lifecycleEvents: Array<{
            type: "lifecycle_event";
            eventId: string;
            turnId?: string;
            kind: string;
            payloadJson: string;
            createdAt: number;
          }>;
          runtime?: {
            saveStreamDeltas?: boolean;
            saveReasoningDeltas?: boolean;
            exposeRawReasoningDeltas?: boolean;
            maxDeltasPerStreamRead?: number;
            maxDeltasPerRequestRead?: number;
            finishedStreamDeleteDelayMs?: number;
          };
          ensureLastEventCursor?: number;
        },
        {
          status: "ok" | "partial" | "session_recovered" | "rejected";
          ingestStatus: "ok" | "partial";
          ackedStreams: Array<{ streamId: string; ackCursorEnd: number }>;
          recovery?: {
            action: "session_rebound";
            sessionId: string;
            threadId: string;
          };
          errors: Array<{
            code:
              | "SESSION_NOT_FOUND"
              | "SESSION_THREAD_MISMATCH"
              | "SESSION_DEVICE_MISMATCH"
              | "OUT_OF_ORDER"
              | "REPLAY_GAP"
              | "UNKNOWN";
            message: string;
            recoverable: boolean;
            errorCode: string;
            eventId?: string;
            streamId?: string;
          }>;
        },
        Name
      >;
      listCheckpoints: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
        },
        Array<{ streamId: string; cursor: number }>,
        Name
      >;
      replay: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          streamCursorsById: Array<{ streamId: string; cursor: number }>;
          runtime?: {
            saveStreamDeltas?: boolean;
            saveReasoningDeltas?: boolean;
            exposeRawReasoningDeltas?: boolean;
            maxDeltasPerStreamRead?: number;
            maxDeltasPerRequestRead?: number;
            finishedStreamDeleteDelayMs?: number;
          };
          startOrder?: number;
          liveOnly?: boolean;
          snapshots?: boolean;
        },
        {
          streams: Array<{
            streamId: string;
            state: "streaming" | "finished" | "aborted";
            turnOrder?: number;
          }>;
          streamWindows: Array<{
            streamId: string;
            status: "ok" | "rebased" | "stale";
            serverCursorStart: number;
            serverCursorEnd: number;
            holes?: Array<{ cursorStart: number; cursorEnd: number }>;
          }>;
          nextCheckpoints: Array<{ streamId: string; cursor: number }>;
          deltas: Array<{
            streamId: string;
            cursorStart: number;
            cursorEnd: number;
            kind: string;
            payloadJson: string;
          }>;
          texts: Array<{
            streamId: string;
            turnId: string;
            messageId: string;
            channel: "text" | "output";
            cursorStart: number;
            cursorEnd: number;
            text: string;
            leadingLow?: number;
            pendingHigh?: number;
          }>;
          snapshots: Array<{
            itemId: string;
            itemType: string;
            status: "streaming" | "completed" | "failed" | "interrupted";
            payloadJson: string;
            turnId: string;
            streamId: string;
          }>;
        },
        Name
      >;
      resumeReplay: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
          fromCursor: number;
          runtime?: {
            saveStreamDeltas?: boolean;
            saveReasoningDeltas?: boolean;
            exposeRawReasoningDeltas?: boolean;
            maxDeltasPerStreamRead?: number;
            maxDeltasPerRequestRead?: number;
            finishedStreamDeleteDelayMs?: number;
          };
        },
        {
          streamWindow: {
            streamId: string;
            status: "ok" | "rebased" | "stale";
            serverCursorStart: number;
            serverCursorEnd: number;
            holes?: Array<{ cursorStart: number; cursorEnd: number }>;
          };
          deltas: Array<{
            cursorStart: number;
            cursorEnd: number;
            kind: string;
            payloadJson: string;
          }>;
          texts: Array<{
            turnId: string;
            messageId: string;
            channel: "text" | "output";
            cursorStart: number;
            cursorEnd: number;
            text: string;
            leadingLow?: number;
            pendingHigh?: number;
          }>;
          nextCursor: number;
        },
        Name
      >;
      upsertCheckpoint: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          streamId: string;
          cursor: number;
        },
        { ok: true },
        Name
      >;
    };
    threads: {
      archive: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
        },
        { threadId: string; status: "archived" },
        Name
      >;
      cancelScheduledDeletion: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          deletionJobId: string;
        },
        { deletionJobId: string; cancelled: true },
        Name
      >;
      create: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          model?: string;
          cwd?: string;
          personality?: string;
          localThreadId?: string;
          parentThreadId?: string;
          recreate?: boolean;
        },
        { threadId: string },
        Name
      >;
      deleteCascade: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          reason?: string;
        },
        { deletionJobId: string; scheduledFor: number },
        Name
      >;
      forceRunScheduledDeletion: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          deletionJobId: string;
        },
        { deletionJobId: string; scheduledFor: number },
        Name
      >;
      fork: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          newThreadId: string;
          turnId?: string;
          model?: string;
          cwd?: string;
          personality?: string;
          localThreadId?: string;
        },
        {
          forkJobId: string;
          status: "scheduled" | "running" | "completed" | "failed";
          threadId?: string;
          newThreadId?: string;
          turnId?: string;
          code?: string;
          copiedTurns: number;
          copiedMessages: number;
          createdAt: number;
          endedAt?: number;
        },
        Name
      >;
      get: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
        },
        {
          threadId: string;
          status: "active" | "archived";
          name?: string;
          model?: string;
          cwd?: string;
          personality?: string;
          localThreadId?: string;
          parentThreadId?: string;
          createdAt: number;
          updatedAt: number;
          usage?: {
            total: {
              totalTokens: number;
              inputTokens: number;
              cachedInputTokens: number;
              cacheWriteInputTokens: number;
              outputTokens: number;
              reasoningOutputTokens: number;
            };
            last: {
              totalTokens: number;
              inputTokens: number;
              cachedInputTokens: number;
              cacheWriteInputTokens: number;
              outputTokens: number;
              reasoningOutputTokens: number;
            };
            modelContextWindow?: number;
          };
          goalJson?: string;
          settingsJson?: string;
          warning?: string;
          turn?: {
            turnId: string;
            status:
              "queued" | "inProgress" | "completed" | "interrupted" | "failed";
          };
          filling?: true;
        },
        Name
      >;
      getDeletionJobStatus: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          deletionJobId: string;
        },
        null | {
          deletionJobId: string;
          kind: "thread" | "turn" | "revert" | "actor";
          status: "scheduled" | "running" | "completed" | "cancelled";
          threadId?: string;
          turnId?: string;
          reason?: string;
          deletedRows: number;
          createdAt: number;
          scheduledFor: number;
          startedAt?: number;
          endedAt?: number;
        },
        Name
      >;
      getExternalMapping: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
        },
        null | { threadId: string; externalThreadId: string },
        Name
      >;
      getForkStatus: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          forkJobId: string;
        },
        null | {
          forkJobId: string;
          status: "scheduled" | "running" | "completed" | "failed";
          threadId?: string;
          newThreadId?: string;
          turnId?: string;
          code?: string;
          copiedTurns: number;
          copiedMessages: number;
          createdAt: number;
          endedAt?: number;
        },
        Name
      >;
      getState: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
        },
        {
          threadId: string;
          threadStatus: "active" | "archived";
          filling?: true;
          turns: Array<{
            turnId: string;
            status:
              "queued" | "inProgress" | "completed" | "interrupted" | "failed";
            startedAt: number;
          }>;
          activeStreams: Array<{
            streamId: string;
            state: "streaming" | "finished" | "aborted";
          }>;
          allStreams: Array<{
            streamId: string;
            state: "streaming" | "finished" | "aborted";
          }>;
          streamStats: Array<{
            streamId: string;
            state: "streaming" | "finished" | "aborted";
            deltaCount: number;
            latestCursor: number;
          }>;
          pendingApprovals: Array<{
            turnId: string;
            itemId: string;
            kind: string;
            reason?: string;
          }>;
          recentMessages: Array<{
            messageId: string;
            turnId: string;
            role: "user" | "assistant" | "system" | "tool";
            status: "streaming" | "completed" | "failed" | "interrupted";
            text: string;
            createdAt: number;
          }>;
        },
        Name
      >;
      list: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          parentThreadId?: string | null;
          summary?: boolean;
          paginationOpts: {
            numItems: number;
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumRowsRead?: number;
            maximumBytesRead?: number;
          };
        },
        {
          page: Array<{
            threadId: string;
            status: "active" | "archived";
            updatedAt: number;
            parentThreadId?: string;
            localThreadId?: string;
            name?: string;
            preview?: string;
            turn?: {
              turnId: string;
              status:
                | "queued"
                | "inProgress"
                | "completed"
                | "interrupted"
                | "failed";
            };
          }>;
          isDone: boolean;
          continueCursor: string;
        },
        Name
      >;
      purgeActorData: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          reason?: string;
        },
        { deletionJobId: string; scheduledFor: number },
        Name
      >;
      rename: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          name: string;
        },
        null,
        Name
      >;
      resolve: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          externalThreadId?: string;
          model?: string;
          cwd?: string;
          personality?: string;
          localThreadId?: string;
          parentThreadId?: string;
          recreate?: boolean;
        },
        { threadId: string; externalThreadId?: string; created: boolean },
        Name
      >;
      resolveByExternalId: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          externalThreadId: string;
        },
        null | { threadId: string; externalThreadId: string },
        Name
      >;
      resume: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
        },
        { threadId: string; status: "active" },
        Name
      >;
      revert: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string | null;
        },
        { deletionJobId?: string; scheduledFor?: number },
        Name
      >;
      scheduleDeleteCascade: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          reason?: string;
          delayMs?: number;
        },
        { deletionJobId: string; scheduledFor: number },
        Name
      >;
      schedulePurgeActorData: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          reason?: string;
          delayMs?: number;
        },
        { deletionJobId: string; scheduledFor: number },
        Name
      >;
      unarchive: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
        },
        { threadId: string; status: "active" },
        Name
      >;
    };
    tokenUsage: {
      listByThread: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          paginationOpts: {
            numItems: number;
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumRowsRead?: number;
            maximumBytesRead?: number;
          };
        },
        {
          page: Array<{
            turnId: string;
            turnOrder: number;
            total: {
              totalTokens: number;
              inputTokens: number;
              cachedInputTokens: number;
              cacheWriteInputTokens: number;
              outputTokens: number;
              reasoningOutputTokens: number;
            };
            last: {
              totalTokens: number;
              inputTokens: number;
              cachedInputTokens: number;
              cacheWriteInputTokens: number;
              outputTokens: number;
              reasoningOutputTokens: number;
            };
            modelContextWindow?: number;
            updatedAt: number;
          }>;
          isDone: boolean;
          continueCursor: string;
          thread: null | {
            total: {
              totalTokens: number;
              inputTokens: number;
              cachedInputTokens: number;
              cacheWriteInputTokens: number;
              outputTokens: number;
              reasoningOutputTokens: number;
            };
            last: {
              totalTokens: number;
              inputTokens: number;
              cachedInputTokens: number;
              cacheWriteInputTokens: number;
              outputTokens: number;
              reasoningOutputTokens: number;
            };
            modelContextWindow?: number;
            updatedAt: number;
          };
        },
        Name
      >;
      upsert: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
          total: {
            totalTokens: number;
            inputTokens: number;
            cachedInputTokens: number;
            cacheWriteInputTokens: number;
            outputTokens: number;
            reasoningOutputTokens: number;
          };
          last: {
            totalTokens: number;
            inputTokens: number;
            cachedInputTokens: number;
            cacheWriteInputTokens: number;
            outputTokens: number;
            reasoningOutputTokens: number;
          };
          modelContextWindow?: number;
        },
        null,
        Name
      >;
    };
    turns: {
      deleteCascade: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
          reason?: string;
        },
        { deletionJobId: string; scheduledFor: number },
        Name
      >;
      get: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
        },
        {
          turnId: string;
          clientTurnId?: string;
          turnOrder: number;
          status:
            "queued" | "inProgress" | "completed" | "interrupted" | "failed";
          error?: string;
          warning?: string;
          inputSummary?: string;
          createdAt: number;
          startedAt?: number;
          completedAt?: number;
          usage?: {
            total: {
              totalTokens: number;
              inputTokens: number;
              cachedInputTokens: number;
              cacheWriteInputTokens: number;
              outputTokens: number;
              reasoningOutputTokens: number;
            };
            last: {
              totalTokens: number;
              inputTokens: number;
              cachedInputTokens: number;
              cacheWriteInputTokens: number;
              outputTokens: number;
              reasoningOutputTokens: number;
            };
            modelContextWindow?: number;
          };
          diff?: string;
          planJson?: string;
          rerouteJson?: string;
        },
        Name
      >;
      interrupt: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
          reason?: string;
        },
        null,
        Name
      >;
      list: FunctionReference<
        "query",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
        },
        Array<{
          turnId: string;
          clientTurnId?: string;
          status:
            "queued" | "inProgress" | "completed" | "interrupted" | "failed";
          startedAt: number;
          completedAt?: number;
          error?: string;
          hasPlan: boolean;
        }>,
        Name
      >;
      scheduleDeleteCascade: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
          reason?: string;
          delayMs?: number;
        },
        { deletionJobId: string; scheduledFor: number },
        Name
      >;
      start: FunctionReference<
        "mutation",
        "internal",
        {
          actor: { tenantId: string; userId: string; deviceId: string };
          threadId: string;
          turnId: string;
          input: Array<{
            type: string;
            text?: string;
            url?: string;
            path?: string;
          }>;
          options?: {
            model?: string;
            effort?: "low" | "medium" | "high";
            cwd?: string;
            personality?: string;
            approvalPolicy?: string;
            sandboxPolicy?: string;
          };
          idempotencyKey: string;
        },
        { turnId: string; accepted: true },
        Name
      >;
    };
  };
