/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type * as approvals from "../approvals.js";
import type * as commands from "../commands.js";
import type * as crons from "../crons.js";
import type * as deletions from "../deletions.js";
import type * as devices from "../devices.js";
import type * as errors from "../errors.js";
import type * as forks from "../forks.js";
import type * as imports from "../imports.js";
import type * as messages from "../messages.js";
import type * as model_apply from "../model/apply.js";
import type * as model_bounds from "../model/bounds.js";
import type * as model_commands from "../model/commands.js";
import type * as model_copies from "../model/copies.js";
import type * as model_core from "../model/core.js";
import type * as model_decisions from "../model/decisions.js";
import type * as model_deletion from "../model/deletion.js";
import type * as model_due from "../model/due.js";
import type * as model_folds from "../model/folds.js";
import type * as model_forks from "../model/forks.js";
import type * as model_imports from "../model/imports.js";
import type * as model_ingest from "../model/ingest.js";
import type * as model_load from "../model/load.js";
import type * as model_messages from "../model/messages.js";
import type * as model_newest from "../model/newest.js";
import type * as model_paging from "../model/paging.js";
import type * as model_parents from "../model/parents.js";
import type * as model_parts from "../model/parts.js";
import type * as model_pieces from "../model/pieces.js";
import type * as model_quarantine from "../model/quarantine.js";
import type * as model_queue from "../model/queue.js";
import type * as model_reasoning from "../model/reasoning.js";
import type * as model_refusals from "../model/refusals.js";
import type * as model_removal from "../model/removal.js";
import type * as model_replay from "../model/replay.js";
import type * as model_requests from "../model/requests.js";
import type * as model_room from "../model/room.js";
import type * as model_runs from "../model/runs.js";
import type * as model_scope from "../model/scope.js";
import type * as model_silence from "../model/silence.js";
import type * as model_streams from "../model/streams.js";
import type * as model_summary from "../model/summary.js";
import type * as model_taken from "../model/taken.js";
import type * as model_tally from "../model/tally.js";
import type * as model_tombstones from "../model/tombstones.js";
import type * as model_trim from "../model/trim.js";
import type * as model_turns from "../model/turns.js";
import type * as model_usage from "../model/usage.js";
import type * as model_visible from "../model/visible.js";
import type * as model_written from "../model/written.js";
import type * as presence from "../presence.js";
import type * as quarantine from "../quarantine.js";
import type * as readers from "../readers.js";
import type * as reasoning from "../reasoning.js";
import type * as retention from "../retention.js";
import type * as serverRequests from "../serverRequests.js";
import type * as sessions from "../sessions.js";
import type * as silence from "../silence.js";
import type * as stats from "../stats.js";
import type * as streams from "../streams.js";
import type * as sync from "../sync.js";
import type * as threads from "../threads.js";
import type * as tokenUsage from "../tokenUsage.js";
import type * as tombstones from "../tombstones.js";
import type * as turns from "../turns.js";
import type * as validators from "../validators.js";

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";
import { anyApi, componentsGeneric } from "convex/server";

const fullApi: ApiFromModules<{
  approvals: typeof approvals;
  commands: typeof commands;
  crons: typeof crons;
  deletions: typeof deletions;
  devices: typeof devices;
  errors: typeof errors;
  forks: typeof forks;
  imports: typeof imports;
  messages: typeof messages;
  "model/apply": typeof model_apply;
  "model/bounds": typeof model_bounds;
  "model/commands": typeof model_commands;
  "model/copies": typeof model_copies;
  "model/core": typeof model_core;
  "model/decisions": typeof model_decisions;
  "model/deletion": typeof model_deletion;
  "model/due": typeof model_due;
  "model/folds": typeof model_folds;
  "model/forks": typeof model_forks;
  "model/imports": typeof model_imports;
  "model/ingest": typeof model_ingest;
  "model/load": typeof model_load;
  "model/messages": typeof model_messages;
  "model/newest": typeof model_newest;
  "model/paging": typeof model_paging;
  "model/parents": typeof model_parents;
  "model/parts": typeof model_parts;
  "model/pieces": typeof model_pieces;
  "model/quarantine": typeof model_quarantine;
  "model/queue": typeof model_queue;
  "model/reasoning": typeof model_reasoning;
  "model/refusals": typeof model_refusals;
  "model/removal": typeof model_removal;
  "model/replay": typeof model_replay;
  "model/requests": typeof model_requests;
  "model/room": typeof model_room;
  "model/runs": typeof model_runs;
  "model/scope": typeof model_scope;
  "model/silence": typeof model_silence;
  "model/streams": typeof model_streams;
  "model/summary": typeof model_summary;
  "model/taken": typeof model_taken;
  "model/tally": typeof model_tally;
  "model/tombstones": typeof model_tombstones;
  "model/trim": typeof model_trim;
  "model/turns": typeof model_turns;
  "model/usage": typeof model_usage;
  "model/visible": typeof model_visible;
  "model/written": typeof model_written;
  presence: typeof presence;
  quarantine: typeof quarantine;
  readers: typeof readers;
  reasoning: typeof reasoning;
  retention: typeof retention;
  serverRequests: typeof serverRequests;
  sessions: typeof sessions;
  silence: typeof silence;
  stats: typeof stats;
  streams: typeof streams;
  sync: typeof sync;
  threads: typeof threads;
  tokenUsage: typeof tokenUsage;
  tombstones: typeof tombstones;
  turns: typeof turns;
  validators: typeof validators;
}> = anyApi as any;

/**
 * A utility for referencing Convex functions in your app's public API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
export const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
> = anyApi as any;

/**
 * A utility for referencing Convex functions in your app's internal API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = internal.myModule.myFunction;
 * ```
 */
export const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
> = anyApi as any;

export const components = componentsGeneric() as unknown as {};
