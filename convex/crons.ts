/** When the sweeps run. Each reads what is due and nothing else, and goes on by itself where there is more than a batch. */
import { cronJobs } from "convex/server";
import { internal } from "./_generated/api.js";

const crons = cronJobs();

crons.interval("clean up finished streams", { minutes: 5 }, internal.streams.cleanupFinishedStreams, {});
crons.interval("clean up expired chunks", { minutes: 30 }, internal.streams.cleanupExpiredDeltas, {});
crons.interval("time out stale sessions", { minutes: 5 }, internal.sessions.timeoutStaleSessions, {});
crons.interval("forget old sessions", { hours: 6 }, internal.sessions.forgetOldSessions, {});
crons.interval("end silent turns", { minutes: 30 }, internal.silence.endSilentTurns, {});
crons.interval("clean up checkpoints", { hours: 6 }, internal.retention.cleanupCheckpoints, {});
crons.interval("clean up lifecycle ids", { hours: 6 }, internal.retention.cleanupLifecycleIds, {});
crons.interval("go on with deletions", { minutes: 5 }, internal.deletions.goOn, {});
crons.interval("clean up tombstones", { hours: 6 }, internal.retention.cleanupTombstones, {});
crons.interval("clean up deleted turns", { hours: 6 }, internal.retention.cleanupDeletedTurns, {});
crons.interval("clean up presence", { hours: 6 }, internal.retention.cleanupPresence, {});
crons.interval("clean up device tokens", { hours: 6 }, internal.retention.cleanupDeviceTokens, {});
crons.interval("go on with forks", { minutes: 5 }, internal.forks.goOn, {});
crons.interval("clean up forks", { hours: 6 }, internal.retention.cleanupForks, {});
crons.interval("clean up deletions", { hours: 6 }, internal.retention.cleanupDeletions, {});

crons.interval("expire commands", { minutes: 1 }, internal.commands.expireCommands, {});

export default crons;
