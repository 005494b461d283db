//! Every method of the app-server that rows show, and every server request: the complete list of what each writes in a
//! thread that is not there yet, in one whose turn runs, and in one whose turn has ended; on the turn's stream, and beside
//! it. By the default options.
//!
//! The turn that runs has an agent's message `m` that is open and an approval `7` that waits; its end has closed both.

use super::call::{Delta, LifecycleEvent};
use crate::event::methods::{REQUESTS, SHOWN};
use crate::testing::*;

/// What an event writes: in no thread, in a turn that runs, in one that has ended.
type Writes = [&'static str; 3];

struct Row {
    method: &'static str,
    params: &'static str,
    on_stream: Writes,
    beside: Writes,
}

const NOTIFICATIONS: [Row; 25] = [
    Row {
        method: "item/agentMessage/delta",
        params: r#"{"threadId":"T","turnId":"U","itemId":"i","delta":"a"}"#,
        on_stream: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 growing; stream+ streaming at 0; head+ 1 count 1 weight 8192 at 0 open i 0:1 folded 0/0 unseen with items; chunk 0..1 i:0..1="a" kept 0"#,
            r#"message+ i streaming open "" at 0.3 from 3 growing; head 4 count 4 weight 16384 at 0 open m 1:0 folded 1/0 open i 3:1 folded 3/8192 unseen with items; chunk 3..4 i:3..4="a" kept 0"#,
            r#"message+ i completed turn "" at 0.4 from 4 growing to 104; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 i:4..5="a" kept 0"#,
        ],
        beside: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 growing; marks r:T 1"#,
            r#"message+ i streaming open "" at 0.2 from 0 growing; marks r:T 1"#,
            r#"message+ i completed turn "" at 0.2 from 0 growing to 100; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/started",
        params: r#"{"threadId":"T","turnId":"U","item":{"type":"commandExecution","id":"i","command":"ls"}}"#,
        on_stream: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "ls" at 0.0 from 0 whole; stream+ streaming at 0; head+ 1 count 1 weight 8192 at 0 open i 0 with items; chunk 0..1 kept 1 of i"#,
            r#"message+ i streaming open "ls" at 0.3 from 3 whole; head 4 count 4 weight 16384 at 0 open m 1:0 folded 1/0 open i 3 with items; chunk 3..4 kept 1 of i"#,
            r#"message+ i completed turn "ls" at 0.4 from 4 whole to 104; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 1 of i"#,
        ],
        beside: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "ls" at 0.0 from 0 whole; marks r:T 1"#,
            r#"message+ i streaming open "ls" at 0.2 from 0 whole; marks r:T 1"#,
            r#"message+ i completed turn "ls" at 0.2 from 0 whole to 100; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/completed",
        params: r#"{"threadId":"T","turnId":"U","item":{"type":"commandExecution","id":"i","command":"ls","status":"failed"}}"#,
        on_stream: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i failed item "ls" at 0.0 from 0 end 0 whole to 100 again after 0; stream+ streaming at 0; head+ 1 count 1 weight 8192 at 0 with items; chunk 0..1 kept 1 of i"#,
            r#"message+ i failed item "ls" at 0.3 from 3 end 3 whole to 103 again after 3; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 1 of i"#,
            r#"message+ i failed item "ls" at 0.4 from 4 end 4 whole to 104 again after 4; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 1 of i"#,
        ],
        beside: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i failed item "ls" at 0.0 from 0 whole to 100; marks r:T 1"#,
            r#"message+ i failed item "ls" at 0.2 from 0 whole to 100; marks r:T 1"#,
            r#"message+ i failed item "ls" at 0.2 from 0 whole to 100; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/reasoning/summaryTextDelta",
        params: r#"{"threadId":"T","turnId":"U","itemId":"i","summaryIndex":0,"delta":"a"}"#,
        on_stream: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 growing; stream+ streaming at 0; head+ 1 count 1 weight 8192 at 0 open i 0:1 folded 0/0 unseen with items; chunk 0..1 i:0..1="a" kept 1 of i"#,
            r#"message+ i streaming open "" at 0.3 from 3 growing; head 4 count 4 weight 16384 at 0 open m 1:0 folded 1/0 open i 3:1 folded 3/8192 unseen with items; chunk 3..4 i:3..4="a" kept 1 of i"#,
            r#"message+ i completed turn "" at 0.4 from 4 growing to 104; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 i:4..5="a" kept 1 of i"#,
        ],
        beside: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 growing; marks r:T 1"#,
            r#"message+ i streaming open "" at 0.2 from 0 growing; marks r:T 1"#,
            r#"message+ i completed turn "" at 0.2 from 0 growing to 100; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/reasoning/summaryPartAdded",
        params: r#"{"threadId":"T","turnId":"U","itemId":"i","summaryIndex":1}"#,
        on_stream: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 growing; stream+ streaming at 0; head+ 1 count 1 weight 8192 at 0 open i 0:2 folded 0/0 unseen with items; chunk 0..1 i:0..1="\n\n" kept 1 of i"#,
            r#"message+ i streaming open "" at 0.3 from 3 growing; head 4 count 4 weight 16384 at 0 open m 1:0 folded 1/0 open i 3:2 folded 3/8192 unseen with items; chunk 3..4 i:3..4="\n\n" kept 1 of i"#,
            r#"message+ i completed turn "" at 0.4 from 4 growing to 104; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 i:4..5="\n\n" kept 1 of i"#,
        ],
        beside: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 growing; marks r:T 1"#,
            r#"message+ i streaming open "" at 0.2 from 0 growing; marks r:T 1"#,
            r#"message+ i completed turn "" at 0.2 from 0 growing to 100; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/reasoning/textDelta",
        params: r#"{"threadId":"T","turnId":"U","itemId":"i","contentIndex":0,"delta":"raw"}"#,
        on_stream: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 growing; stream+ streaming at 0; head+ 1 count 1 weight 8192 at 0 open i 0:0 folded 0/0 unseen with items; chunk 0..1 kept 0"#,
            r#"message+ i streaming open "" at 0.3 from 3 growing; head 4 count 4 weight 16384 at 0 open m 1:0 folded 1/0 open i 3:0 folded 3/8192 unseen with items; chunk 3..4 kept 0"#,
            r#"message+ i completed turn "" at 0.4 from 4 growing to 104; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 growing; marks r:T 1"#,
            r#"message+ i streaming open "" at 0.2 from 0 growing; marks r:T 1"#,
            r#"message+ i completed turn "" at 0.2 from 0 growing to 100; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/plan/delta",
        params: r#"{"threadId":"T","turnId":"U","itemId":"i","delta":"a"}"#,
        on_stream: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 growing; stream+ streaming at 0; head+ 1 count 1 weight 8192 at 0 open i 0:1 folded 0/0 unseen with items; chunk 0..1 i:0..1="a" kept 0"#,
            r#"message+ i streaming open "" at 0.3 from 3 growing; head 4 count 4 weight 16384 at 0 open m 1:0 folded 1/0 open i 3:1 folded 3/8192 unseen with items; chunk 3..4 i:3..4="a" kept 0"#,
            r#"message+ i completed turn "" at 0.4 from 4 growing to 104; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 i:4..5="a" kept 0"#,
        ],
        beside: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 growing; marks r:T 1"#,
            r#"message+ i streaming open "" at 0.2 from 0 growing; marks r:T 1"#,
            r#"message+ i completed turn "" at 0.2 from 0 growing to 100; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/commandExecution/outputDelta",
        params: r#"{"threadId":"T","turnId":"U","itemId":"i","delta":"out"}"#,
        on_stream: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 whole; stream+ streaming at 0; head+ 1 count 1 weight 8192 at 0 open i 0 with items; chunk 0..1 kept 0"#,
            r#"message+ i streaming open "" at 0.3 from 3 whole; head 4 count 4 weight 16384 at 0 open m 1:0 folded 1/0 open i 3 with items; chunk 3..4 kept 0"#,
            r#"message+ i completed turn "" at 0.4 from 4 whole to 104; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 whole; marks r:T 1"#,
            r#"message+ i streaming open "" at 0.2 from 0 whole; marks r:T 1"#,
            r#"message+ i completed turn "" at 0.2 from 0 whole to 100; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/fileChange/outputDelta",
        params: r#"{"threadId":"T","turnId":"U","itemId":"i","delta":"out"}"#,
        on_stream: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 whole; stream+ streaming at 0; head+ 1 count 1 weight 8192 at 0 open i 0 with items; chunk 0..1 kept 0"#,
            r#"message+ i streaming open "" at 0.3 from 3 whole; head 4 count 4 weight 16384 at 0 open m 1:0 folded 1/0 open i 3 with items; chunk 3..4 kept 0"#,
            r#"message+ i completed turn "" at 0.4 from 4 whole to 104; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; thread next=Some(1); turn+ U inProgress at 0 with items from 100; message+ i streaming open "" at 0.0 from 0 whole; marks r:T 1"#,
            r#"message+ i streaming open "" at 0.2 from 0 whole; marks r:T 1"#,
            r#"message+ i completed turn "" at 0.2 from 0 whole to 100; marks r:T 1"#,
        ],
    },
    Row {
        method: "turn/started",
        params: r#"{"threadId":"T","turn":{"id":"U","status":"inProgress"}}"#,
        on_stream: [
            "thread+; thread next=Some(1); turn+ U inProgress at 0 from 100; stream+ streaming at 0; head+ 1 count 1 weight 8192 at 0; chunk 0..1 kept 1",
            "head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 1",
            "head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 1",
        ],
        beside: [
            "thread+; thread next=Some(1); turn+ U inProgress at 0 from 100; marks r:T 1",
            "marks r:T 1",
            "marks r:T 1",
        ],
    },
    Row {
        method: "turn/completed",
        params: r#"{"threadId":"T","turn":{"id":"U","status":"failed","error":{"message":"no"}}}"#,
        on_stream: [
            "thread+; thread next=Some(1); turn+ U failed by codex at 0 to 100 error no; stream+ aborted at 0; head+ 1 count 1 weight 8192 at 0 closed; chunk 0..1 kept 1",
            "thread next=None; turn U failed by codex with items to 103 error no; message m failed turn to 103; request expired turnEnded; stream aborted; head 4 count 4 weight 16384 at 0 with items closed; chunk 3..4 kept 1",
            "thread next=None; turn U failed by codex with items to 104 error no; message m failed turn to 104; stream aborted; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 1",
        ],
        beside: [
            "thread+; thread next=Some(1); turn+ U failed by codex at 0 to 100 error no; marks r:T 1",
            "thread next=None; turn U failed by codex with items to 100 error no; message m failed turn to 100; request expired turnEnded; stream aborted; marks r:T 1",
            "thread next=None; turn U failed by codex with items to 100 error no; message m failed turn to 100; stream aborted; marks r:T 1",
        ],
    },
    Row {
        method: "error",
        params: r#"{"threadId":"T","turnId":"U","willRetry":false,"error":{"message":"no"}}"#,
        on_stream: [
            "thread+; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 1",
            "thread next=None; turn U failed by codex with items to 103 error no; message m failed turn to 103; request expired turnEnded; stream aborted; head 4 count 4 weight 16384 at 0 with items closed; chunk 3..4 kept 1",
            "thread next=None; turn U failed by codex with items to 104 error no; message m failed turn to 104; stream aborted; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 1",
        ],
        beside: [
            "thread+; marks r:T 1",
            "thread next=None; turn U failed by codex with items to 100 error no; message m failed turn to 100; request expired turnEnded; stream aborted; marks r:T 1",
            "thread next=None; turn U failed by codex with items to 100 error no; message m failed turn to 100; stream aborted; marks r:T 1",
        ],
    },
    Row {
        method: "thread/tokenUsage/updated",
        params: r#"{"threadId":"T","turnId":"U","tokenUsage":{"total":{},"last":{}}}"#,
        on_stream: [
            r#"thread+; newest usage of thread: {"total":{},"last":{}}; stream+ streaming; head+ 1 count 1 weight 8192 newest [1, 0, 0, 0]; chunk 0..1 kept 0"#,
            r#"newest usage of U and thread: {"total":{},"last":{}}; head 4 count 4 weight 16384 at 0 newest [4, 0, 0, 0] with items; chunk 3..4 kept 0"#,
            r#"newest usage of U and thread: {"total":{},"last":{}}; head 5 count 5 weight 16384 at 0 newest [5, 0, 0, 0] with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; newest usage of thread: {"total":{},"last":{}}; marks r:T 1"#,
            r#"newest usage of U and thread: {"total":{},"last":{}}; marks r:T 1"#,
            "marks r:T 1",
        ],
    },
    Row {
        method: "turn/diff/updated",
        params: r#"{"threadId":"T","turnId":"U","diff":"d"}"#,
        on_stream: [
            "thread+; stream+ streaming; head+ 1 count 1 weight 8192 newest [0, 1, 0, 0]; chunk 0..1 kept 0",
            "newest diff of U: d; head 4 count 4 weight 16384 at 0 newest [0, 4, 0, 0] with items; chunk 3..4 kept 0",
            "newest diff of U: d; head 5 count 5 weight 16384 at 0 newest [0, 5, 0, 0] with items closed; chunk 4..5 kept 0",
        ],
        beside: ["thread+; marks r:T 1", "newest diff of U: d; marks r:T 1", "marks r:T 1"],
    },
    Row {
        method: "turn/plan/updated",
        params: r#"{"threadId":"T","turnId":"U","plan":[]}"#,
        on_stream: [
            "thread+; stream+ streaming; head+ 1 count 1 weight 8192 newest [0, 0, 1, 0]; chunk 0..1 kept 0",
            r#"newest plan of U: {"threadId":"T","turnId":"U","plan":[]}; head 4 count 4 weight 16384 at 0 newest [0, 0, 4, 0] with items; chunk 3..4 kept 0"#,
            r#"newest plan of U: {"threadId":"T","turnId":"U","plan":[]}; head 5 count 5 weight 16384 at 0 newest [0, 0, 5, 0] with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            "thread+; marks r:T 1",
            r#"newest plan of U: {"threadId":"T","turnId":"U","plan":[]}; marks r:T 1"#,
            "marks r:T 1",
        ],
    },
    Row {
        method: "model/rerouted",
        params: r#"{"threadId":"T","turnId":"U","toModel":"n"}"#,
        on_stream: [
            "thread+; stream+ streaming; head+ 1 count 1 weight 8192 newest [0, 0, 0, 1]; chunk 0..1 kept 0",
            r#"newest reroute of U: {"threadId":"T","turnId":"U","toModel":"n"}; head 4 count 4 weight 16384 at 0 newest [0, 0, 0, 4] with items; chunk 3..4 kept 0"#,
            r#"newest reroute of U: {"threadId":"T","turnId":"U","toModel":"n"}; head 5 count 5 weight 16384 at 0 newest [0, 0, 0, 5] with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            "thread+; marks r:T 1",
            r#"newest reroute of U: {"threadId":"T","turnId":"U","toModel":"n"}; marks r:T 1"#,
            "marks r:T 1",
        ],
    },
    Row {
        method: "thread/goal/updated",
        params: r#"{"threadId":"T","turnId":"U","goal":{}}"#,
        on_stream: [
            "thread+; newest goal of thread: {}; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0",
            "newest goal of thread: {}; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0",
            "newest goal of thread: {}; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0",
        ],
        beside: [
            "thread+; newest goal of thread: {}; marks r:T 1",
            "newest goal of thread: {}; marks r:T 1",
            "newest goal of thread: {}; marks r:T 1",
        ],
    },
    Row {
        method: "thread/goal/cleared",
        params: r#"{"threadId":"T"}"#,
        on_stream: [
            "thread+; newest goal of thread: ; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0",
            "newest goal of thread: ; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0",
            "newest goal of thread: ; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0",
        ],
        beside: [
            "thread+; newest goal of thread: ; marks r:T 1",
            "newest goal of thread: ; marks r:T 1",
            "newest goal of thread: ; marks r:T 1",
        ],
    },
    Row {
        method: "thread/settings/updated",
        params: r#"{"threadId":"T","threadSettings":{}}"#,
        on_stream: [
            "thread+; newest settings of thread: {}; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0",
            "newest settings of thread: {}; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0",
            "newest settings of thread: {}; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0",
        ],
        beside: [
            "thread+; newest settings of thread: {}; marks r:T 1",
            "newest settings of thread: {}; marks r:T 1",
            "newest settings of thread: {}; marks r:T 1",
        ],
    },
    Row {
        method: "warning",
        params: r#"{"threadId":"T","message":"w"}"#,
        on_stream: [
            "thread+; newest warning of thread: w; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0",
            "newest warning of thread: w; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0",
            "newest warning of thread: w; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0",
        ],
        beside: [
            "thread+; newest warning of thread: w; marks r:T 1",
            "newest warning of thread: w; marks r:T 1",
            "newest warning of thread: w; marks r:T 1",
        ],
    },
    Row {
        method: "guardianWarning",
        params: r#"{"threadId":"T","message":"w"}"#,
        on_stream: [
            "thread+; newest warning of thread: w; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0",
            "newest warning of thread: w; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0",
            "newest warning of thread: w; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0",
        ],
        beside: [
            "thread+; newest warning of thread: w; marks r:T 1",
            "newest warning of thread: w; marks r:T 1",
            "newest warning of thread: w; marks r:T 1",
        ],
    },
    Row {
        method: "serverRequest/resolved",
        params: r#"{"threadId":"T","requestId":7}"#,
        on_stream: [
            "thread+; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0",
            "request expired resolved; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0",
            "head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0",
        ],
        beside: ["thread+; marks r:T 1", "request expired resolved; marks r:T 1", "marks r:T 1"],
    },
    Row {
        method: "thread/name/updated",
        params: r#"{"threadId":"T","threadName":"n"}"#,
        on_stream: [
            r#"thread+; thread next=None name="n"; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"thread next=None name="n"; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"thread next=None name="n"; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; thread next=None name="n"; marks r:T 1"#,
            r#"thread next=None name="n"; marks r:T 1"#,
            r#"thread next=None name="n"; marks r:T 1"#,
        ],
    },
    Row {
        method: "thread/archived",
        params: r#"{"threadId":"T"}"#,
        on_stream: [
            "thread+; thread next=None archived=true; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0",
            "thread next=None archived=true; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0",
            "thread next=None archived=true; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0",
        ],
        beside: [
            "thread+; thread next=None archived=true; marks r:T 1",
            "thread next=None archived=true; marks r:T 1",
            "thread next=None archived=true; marks r:T 1",
        ],
    },
    Row {
        method: "thread/unarchived",
        params: r#"{"threadId":"T"}"#,
        on_stream: [
            "thread+; thread next=None archived=false; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0",
            "thread next=None archived=false; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0",
            "thread next=None archived=false; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0",
        ],
        beside: [
            "thread+; thread next=None archived=false; marks r:T 1",
            "thread next=None archived=false; marks r:T 1",
            "thread next=None archived=false; marks r:T 1",
        ],
    },
];

const ASKED: [Row; 11] = [
    Row {
        method: "account/chatgptAuthTokens/refresh",
        params: ASKS,
        on_stream: [
            r#"thread+; request+ 9 - for "i" pending; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"request+ 9 - for "i" pending; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"request+ 9 - for "i" expired turnEnded; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" expired turnEnded of r; marks r:T 1"#,
        ],
    },
    Row {
        method: "applyPatchApproval",
        params: ASKS,
        on_stream: [
            r#"thread+; thread next=None; request+ 9 fileChange for "i" pending; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"thread next=None; request+ 9 fileChange for "i" pending; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"request+ 9 fileChange for "i" expired turnEnded; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; thread next=None; request+ 9 fileChange for "i" pending of r; marks r:T 1"#,
            r#"thread next=None; request+ 9 fileChange for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 fileChange for "i" expired turnEnded of r; marks r:T 1"#,
        ],
    },
    Row {
        method: "attestation/generate",
        params: ASKS,
        on_stream: [
            r#"thread+; request+ 9 - for "i" pending; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"request+ 9 - for "i" pending; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"request+ 9 - for "i" expired turnEnded; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" expired turnEnded of r; marks r:T 1"#,
        ],
    },
    Row {
        method: "currentTime/read",
        params: ASKS,
        on_stream: [
            r#"thread+; request+ 9 - for "i" pending; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"request+ 9 - for "i" pending; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"request+ 9 - for "i" expired turnEnded; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" expired turnEnded of r; marks r:T 1"#,
        ],
    },
    Row {
        method: "execCommandApproval",
        params: ASKS,
        on_stream: [
            r#"thread+; thread next=None; request+ 9 commandExecution for "i" pending; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"thread next=None; request+ 9 commandExecution for "i" pending; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"request+ 9 commandExecution for "i" expired turnEnded; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; thread next=None; request+ 9 commandExecution for "i" pending of r; marks r:T 1"#,
            r#"thread next=None; request+ 9 commandExecution for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 commandExecution for "i" expired turnEnded of r; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/commandExecution/requestApproval",
        params: ASKS,
        on_stream: [
            r#"thread+; thread next=None; request+ 9 commandExecution for "i" pending; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"thread next=None; request+ 9 commandExecution for "i" pending; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"request+ 9 commandExecution for "i" expired turnEnded; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; thread next=None; request+ 9 commandExecution for "i" pending of r; marks r:T 1"#,
            r#"thread next=None; request+ 9 commandExecution for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 commandExecution for "i" expired turnEnded of r; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/fileChange/requestApproval",
        params: ASKS,
        on_stream: [
            r#"thread+; thread next=None; request+ 9 fileChange for "i" pending; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"thread next=None; request+ 9 fileChange for "i" pending; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"request+ 9 fileChange for "i" expired turnEnded; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; thread next=None; request+ 9 fileChange for "i" pending of r; marks r:T 1"#,
            r#"thread next=None; request+ 9 fileChange for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 fileChange for "i" expired turnEnded of r; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/permissions/requestApproval",
        params: ASKS,
        on_stream: [
            r#"thread+; thread next=None; request+ 9 permissions for "i" pending; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"thread next=None; request+ 9 permissions for "i" pending; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"request+ 9 permissions for "i" expired turnEnded; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; thread next=None; request+ 9 permissions for "i" pending of r; marks r:T 1"#,
            r#"thread next=None; request+ 9 permissions for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 permissions for "i" expired turnEnded of r; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/tool/call",
        params: ASKS,
        on_stream: [
            r#"thread+; request+ 9 - for "i" pending; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"request+ 9 - for "i" pending; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"request+ 9 - for "i" expired turnEnded; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" expired turnEnded of r; marks r:T 1"#,
        ],
    },
    Row {
        method: "item/tool/requestUserInput",
        params: ASKS,
        on_stream: [
            r#"thread+; request+ 9 - for "i" pending; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"request+ 9 - for "i" pending; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"request+ 9 - for "i" expired turnEnded; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" expired turnEnded of r; marks r:T 1"#,
        ],
    },
    Row {
        method: "mcpServer/elicitation/request",
        params: ASKS,
        on_stream: [
            r#"thread+; request+ 9 - for "i" pending; stream+ streaming; head+ 1 count 1 weight 8192; chunk 0..1 kept 0"#,
            r#"request+ 9 - for "i" pending; head 4 count 4 weight 16384 at 0 with items; chunk 3..4 kept 0"#,
            r#"request+ 9 - for "i" expired turnEnded; head 5 count 5 weight 16384 at 0 with items closed; chunk 4..5 kept 0"#,
        ],
        beside: [
            r#"thread+; request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" pending of r; marks r:T 1"#,
            r#"request+ 9 - for "i" expired turnEnded of r; marks r:T 1"#,
        ],
    },
];

/// What every request says here; its id is 9.
const ASKS: &str = r#"{"threadId":"T","turnId":"U","itemId":"i"}"#;

#[test]
fn every_method_writes_what_it_should_and_nothing_else() {
    for row in &NOTIFICATIONS {
        row.assert_writes(None);
    }
}

#[test]
fn every_server_request_writes_what_it_should_and_nothing_else() {
    for row in &ASKED {
        row.assert_writes(Some("9"));
    }
}

#[test]
fn no_method_and_no_request_is_left_out() {
    let named: Vec<&str> = NOTIFICATIONS.iter().map(|row| row.method).collect();
    assert_eq!(named, SHOWN.map(|method| method.name));
    let asked: Vec<&str> = ASKED.iter().map(|row| row.method).collect();
    assert_eq!(asked, REQUESTS);
}

#[test]
fn what_is_kept_for_replay_goes_by_the_options() {
    // By the defaults, with stream deltas, with raw reasoning, without reasoning.
    let kept = |method: &str| match method {
        "turn/started" | "turn/completed" | "error" | "item/started" | "item/completed" => [1, 1, 1, 1],
        "item/reasoning/summaryTextDelta" | "item/reasoning/summaryPartAdded" => [1, 1, 1, 0],
        "item/reasoning/textDelta" => [0, 0, 1, 0],
        "item/agentMessage/delta" | "item/plan/delta" => [0, 1, 0, 0],
        "item/commandExecution/outputDelta" | "item/fileChange/outputDelta" => [0, 1, 0, 0],
        _ => [0; 4],
    };
    for row in &NOTIFICATIONS {
        for (at, want) in kept(row.method).into_iter().enumerate() {
            let mut shell = Shell::new();
            shell.options.save_stream_deltas = at == 1;
            shell.options.expose_raw_reasoning_deltas = at == 2;
            shell.options.save_reasoning_deltas = at != 3;
            shell.writes(&[row.event(0, None)]);
            assert_eq!(shell.chunks[0].kept, want, "{} {at}", row.method);
        }
    }
}

impl Row {
    fn assert_writes(&self, id: Option<&str>) {
        for state in 0..3 {
            let (shell, cursor) = thread(state);
            let plan = shell.clone().plan(&[self.event(cursor, id)], &[]);
            let writes: Vec<_> = plan.writes.iter().map(brief).collect();
            assert_eq!(writes.join("; "), self.on_stream[state], "{} on the stream, {state}", self.method);
            assert!(!plan.partial);
            let turn_id = self.params.contains("\"U\"").then_some(TURN);
            let beside = lifecycle(0, self.method, turn_id, "{}");
            let beside = LifecycleEvent { payload_json: self.payload(id), ..beside };
            let plan = shell.clone().plan(&[], &[beside]);
            let writes: Vec<_> = plan.writes.iter().map(brief).collect();
            assert_eq!(writes.join("; "), self.beside[state], "{} beside it, {state}", self.method);
            assert!(!plan.partial);
        }
    }

    fn event(&self, cursor: u64, id: Option<&str>) -> Delta<'static> {
        Delta { payload_json: self.payload(id), ..event(cursor, self.method, "{}") }
    }

    fn payload(&self, id: Option<&str>) -> &'static str {
        let id = id.map(|id| format!(r#""id":{id},"#)).unwrap_or_default();
        keep(format!(r#"{{"method":"{}",{id}"params":{}}}"#, self.method, self.params))
    }
}

/// The thread of a column, and the cursor behind its stream.
fn thread(state: usize) -> (Shell, u64) {
    let approval = Row {
        method: "item/fileChange/requestApproval",
        params: r#"{"threadId":"T","turnId":"U","itemId":"f"}"#,
        on_stream: [""; 3],
        beside: [""; 3],
    };
    let asked = approval.event(2, Some("7"));
    let before = [turn_started(0), item_started(1, "m"), asked, turn_completed(3, "completed")];
    let cursor = [0, 3, 4][state];
    let mut shell = Shell::new();
    if cursor > 0 {
        shell.writes(&before[..cursor]);
    }
    (shell, cursor as u64)
}
