//! Every bound of the core, once: its unit, its reason, its source.

/// Largest integer that JavaScript holds exactly. SOURCE: ECMAScript, `Number.MAX_SAFE_INTEGER`.
pub const SAFE_INTEGER_MAX: u64 = 9_007_199_254_740_991;

/// Levels of arrays and objects that a payload may be nested. Payloads of the app-server stay below 20; the bound keeps
/// the reader's recursion inside a stack of 64 KiB.
pub const JSON_DEPTH_MAX: usize = 128;

/// Events in one batch, streams and lifecycle together. SOURCE: half of Convex's 8,192 array elements.
pub const BATCH_EVENTS_MAX: usize = 4_096;

/// Bytes of all texts in one batch. SOURCE: half of Convex's 16 MiB of arguments.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Streams in one batch: each costs a read and a write of its head.
pub const BATCH_STREAMS_MAX: usize = 64;

/// Holes remembered in one stream; the oldest is given up beyond it, so that a head stays a small row.
pub const HOLES_MAX: usize = 64;

/// Newest runtimes whose lifecycle counters a thread keeps.
pub const LIFECYCLE_RUNTIMES_MAX: usize = 16;

/// Milliseconds without a beat after which a session is stale: three beats of 15 s missed.
pub const SESSION_STALE_MS: f64 = 45_000.0;

/// Milliseconds since the last beat after which an ingest refreshes its session.
pub const SESSION_BEAT_MS: f64 = 15_000.0;

/// UTF-8 bytes of one part of a text. Small parts keep a fold cheap; Convex allows a document of 1 MiB.
pub const TEXT_PART_BYTES_MAX: usize = 64 * 1024;

/// Events that one chunk row covers at most, so that its list of ids stays far below 8,192 elements.
pub const CHUNK_EVENTS_MAX: usize = 512;

/// UTF-8 bytes of ids and texts that one chunk row holds before the next one begins. A document may hold 1 MiB.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// Milliseconds that a chunk is kept at least: a reader that was away for a day goes on where it was.
pub const CHUNK_TTL_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// Milliseconds that a lifecycle event of a foreign id form is remembered: the bridge sends one again for 14 days.
pub const LIFECYCLE_ID_TTL_MS: f64 = 15.0 * 24.0 * 60.0 * 60.0 * 1000.0;

/// Milliseconds that a checkpoint is kept after it was last raised.
pub const CHECKPOINT_TTL_MS: f64 = 7.0 * 24.0 * 60.0 * 60.0 * 1000.0;

/// UTF-16 units of a turn's input that its row keeps as a summary.
pub const INPUT_SUMMARY_UNITS_MAX: usize = 500;

/// Deltas that a reader gets of one stream: default and ceiling.
pub const STREAM_READ_DEFAULT: f64 = 100.0;
/// See [`STREAM_READ_DEFAULT`].
pub const STREAM_READ_MAX: f64 = 1_000.0;

/// Deltas that a reader gets in one answer: default and ceiling.
pub const REQUEST_READ_DEFAULT: f64 = 1_000.0;
/// See [`REQUEST_READ_DEFAULT`].
pub const REQUEST_READ_MAX: f64 = 4_000.0;

/// Milliseconds that a finished stream stays listed: default and ceiling (7 days).
pub const STREAM_DELETE_DELAY_DEFAULT_MS: f64 = 300_000.0;
/// See [`STREAM_DELETE_DELAY_DEFAULT_MS`].
pub const STREAM_DELETE_DELAY_MAX_MS: f64 = 7.0 * 24.0 * 60.0 * 60.0 * 1000.0;

/// Items that a head remembers as open; what is begun beyond them is looked up in the messages. Codex was seen to have a
/// handful open at once.
pub const OPEN_ITEMS_MAX: usize = 64;

/// Open messages of a turn that one call closes, and as many that it closed before; the sweep closes what is beyond.
pub const CLOSING_MESSAGES_MAX: usize = 1_000;

/// Streams of a turn that one call closes, those that go on first; the sweep closes what is beyond.
pub const TURN_STREAMS_MAX: usize = 64;

/// Index ranges that the rows which a batch names may take. SOURCE: Convex reads 4,096 in one call; heads, chunks and
/// sessions take theirs.
pub const NEEDS_RANGES_MAX: usize = 3_500;

/// Malformed events that a thread keeps, the newest.
pub const QUARANTINE_MAX: usize = 200;

/// UTF-8 bytes of an id or a kind: a hundred of them fit a row. Ids of the app-server are below 100.
pub const ID_BYTES_MAX: usize = 1024;

/// UTF-8 bytes of an error, a warning, a reason or a name that a row keeps.
pub const NOTE_BYTES_MAX: usize = 4 * 1024;

/// What the chunks behind an open text's fold may weigh before a batch folds it, so that a reader of it reads no more
/// than this and a batch beside its parts.
pub const FOLD_WEIGHT_MAX: u64 = 1024 * 1024;

/// What a chunk weighs at least, whatever its texts and payloads: 128 of them make a fold due. At 1 KiB of text a batch
/// a part is full before that, so that no fold rewrites what it need not.
pub const CHUNK_WEIGHT_MIN: usize = 8 * 1024;

/// Texts that one batch folds: each costs it the reading of a tail.
pub const FOLDS_MAX: usize = 2;

/// Milliseconds without an event or a beat after which the sweep ends a turn: a laptop may sleep for a night.
pub const TURN_SILENT_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// Idempotency keys of one turn: a client has one, and a new one where it forgot the first.
pub const TURN_KEYS_MAX: u64 = 16;

/// Milliseconds that a session is remembered after it went stale; what comes later is a new one.
pub const SESSION_TTL_MS: f64 = 7.0 * 24.0 * 60.0 * 60.0 * 1000.0;

/// UTF-8 bytes of the payloads of a thread's malformed events that are kept, the newest; the newest one always is.
pub const QUARANTINE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// UTF-8 bytes of a command's payload. A prompt is a page; what is larger belongs into a file.
pub const COMMAND_PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// Commands of one user that are not at their end: a lost machine must not fill a table. An interrupt, and what the component
/// sends itself, is not refused by it.
pub const COMMANDS_OPEN_MAX: u64 = 100;

/// Milliseconds that a lease holds without a beat: four beats of 15 s missed.
pub const COMMAND_LEASE_MS: f64 = 60_000.0;

/// Threads of one user, archived ones too, until their deletion begins. A hundred a day for three years; what makes ten a second,
/// a loop or whoever has a credential that is not theirs, is stopped within three hours. No limit of Convex is near.
pub const THREADS_MAX: u64 = 100_000;

/// Threads above one. Agents of agents are few deep; a walk up to the first of them is so many reads.
pub const ANCESTORS_MAX: u64 = 32;

/// Milliseconds after which the sweep asks again for a command that has no time of its own.
pub const COMMAND_LOOK_AGAIN_MS: f64 = 10.0 * 60.0 * 1000.0;

/// Times that a command whose lease lapsed before its delivery goes back into the queue.
pub const COMMAND_LAPSES_MAX: u64 = 3;

/// Commands that one lease hands out: as many as a user can send.
pub const COMMAND_LEASE_MAX: f64 = 100.0;

/// Milliseconds that a message waits for its machine: whoever sent it looks at the screen no longer than that.
pub const MESSAGE_TTL_MS: f64 = 10.0 * 60.0 * 1000.0;

/// Milliseconds that a turn waits whose sender chose to wait for the machine.
pub const WAITING_TURN_TTL_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// Milliseconds that an interrupt waits: a stop that comes later stops something else.
pub const INTERRUPT_TTL_MS: f64 = 2.0 * 60.0 * 1000.0;

/// Bytes of a code that a bridge reports. Ours are below 40.
pub const CODE_BYTES_MAX: usize = 64;

/// Milliseconds without a beat after which a runtime is away: four beats of 15 s missed.
pub const PRESENCE_AWAY_MS: f64 = 60_000.0;

/// Milliseconds that a runtime is remembered after its last beat: what is asked is whether a machine can be reached, and
/// one that was not for a month is gone.
pub const PRESENCE_TTL_MS: f64 = 30.0 * 24.0 * 60.0 * 60.0 * 1000.0;

/// Runtimes of one user that are remembered; the one that has been away longest goes first.
pub const RUNTIMES_MAX: u64 = 100;

/// Threads that a beat tells of; the bridge names the busiest first. A presence row is read whole by every query of it.
pub const PRESENCE_THREADS_MAX: usize = 64;

/// Events in the outbox beyond which a thread catches up. SOURCE: the bridge's batch, 100 events: what flows is less.
pub const CATCHING_UP_EVENTS: u64 = 100;

/// Commands a minute that a machine takes of one user where its owner says nothing else.
pub const POLICY_PER_MINUTE: u64 = 30;

/// Milliseconds after which a turn that was interrupted and has not ended is interrupted once more. SOURCE: Codex was seen
/// to end one within 2 s.
pub const STOP_AGAIN_MS: f64 = 5_000.0;

/// Milliseconds after which the process of such a turn is started anew: nobody waits longer for a stop.
pub const STOP_RESTART_MS: f64 = 15_000.0;
/// Requests of a thread that may be open at once; the oldest goes beyond it, so that all of them fit a plan.
pub const OPEN_REQUESTS_MAX: usize = 200;

/// UTF-8 bytes of an approval's payload that can be accepted: nobody has read more than that.
pub const APPROVAL_BYTES_MAX: usize = 256 * 1024;

/// UTF-8 bytes of a request's payload or answer. The largest event is 3 MiB; a page of a list ends at 4 MiB.
pub const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Milliseconds that what was deleted is remembered, by its hash: the bridge keeps an outbox for 14 days.
pub const TOMBSTONE_TTL_MS: f64 = 30.0 * 24.0 * 60.0 * 60.0 * 1000.0;

/// Milliseconds between the wish to delete and the deletion, where its asker says none: time to say no.
pub const DELETION_GRACE_DEFAULT_MS: f64 = 10.0 * 60.0 * 1000.0;
/// See [`DELETION_GRACE_DEFAULT_MS`]: what waits longer is forgotten.
pub const DELETION_GRACE_MAX_MS: f64 = 30.0 * 24.0 * 60.0 * 60.0 * 1000.0;

/// Milliseconds between a revert and the deletion of its turns: time to take it back.
pub const REVERT_GRACE_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// Rows that one batch of a job takes away: with its parts a row takes two index ranges of the 4,096 that a call may read.
pub const DELETION_ROWS_MAX: u64 = 500;

/// UTF-16 units of the rows that one batch of a job reads, a row more at most: 6 MiB of UTF-8 at most, read a second time
/// to be deleted, of the 16 that a call may read.
pub const DELETION_UNITS_MAX: u64 = 2 * 1024 * 1024;

/// Milliseconds after which the sweep takes up a job that nobody moved: a batch takes seconds.
pub const DELETION_RETRY_MS: f64 = 5.0 * 60.0 * 1000.0;

/// Milliseconds that a job's row is kept behind its end, so that whoever asks learns of it.
pub const JOB_TTL_MS: f64 = 7.0 * 24.0 * 60.0 * 60.0 * 1000.0;

/// Jobs of one user that have not ended: a person asks for a handful, and what hides turns makes their thread's row longer.
pub const JOBS_OPEN_MAX: u64 = 100;

/// Device tokens of one user that hold: a person has a handful of machines, and a token each, or two while one is replaced.
pub const DEVICE_TOKENS_MAX: u64 = 50;

/// Bytes of the chance that an asker brings for a token: 32 of it, as base64 without padding has them.
pub const DEVICE_ENTROPY_BYTES_MIN: usize = 43;

/// Milliseconds that a device token holds: default (90 days), floor and ceiling (a minute, a year).
pub const DEVICE_TOKEN_TTL_DEFAULT_MS: f64 = 90.0 * 24.0 * 60.0 * 60.0 * 1000.0;
/// See [`DEVICE_TOKEN_TTL_DEFAULT_MS`].
pub const DEVICE_TOKEN_TTL_MIN_MS: f64 = 60.0 * 1000.0;
/// See [`DEVICE_TOKEN_TTL_DEFAULT_MS`].
pub const DEVICE_TOKEN_TTL_MAX_MS: f64 = 365.0 * 24.0 * 60.0 * 60.0 * 1000.0;

/// Parts of a reasoning item's summary, and of its raw thought, that readers get one by one; those behind are one with the
/// last. Codex was seen to write a handful. A page holds 4,096 segments and those of one item more: 2,999, below the 8,192
/// elements of an array of Convex.
pub const REASONING_PARTS_MAX: usize = 1_000;

/// Rows that one batch of a fork copies: each takes three index ranges at most of the 4,096 that a call may read.
pub const FORK_ROWS_MAX: u64 = 500;

/// UTF-16 units of the texts and payloads that one batch of a fork copies, a tail of 2 Mi more at most: 9 MiB of UTF-8 at
/// most, of the 16 that a call may read and write.
pub const FORK_UNITS_MAX: u64 = 1024 * 1024;

/// Items that one call imports: each costs a dozen index ranges of the 4,096 that a call may read.
pub const IMPORT_ITEMS_MAX: usize = 200;

/// Turns that one call imports: each is a stream of its batch, which may hold [`BATCH_STREAMS_MAX`].
pub const IMPORT_TURNS_MAX: usize = 50;

/// Bytes of turns and items that one call imports, an item more at most: each is written as a text or payload and in a
/// chunk, of the 16 MiB that a call may write.
pub const IMPORT_BYTES_MAX: usize = 2 * 1024 * 1024;
