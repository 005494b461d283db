/** What crosses between Rust and the component has one shape on both sides: the validators' is the Rust type's, in both directions. */
import type { Infer } from "convex/values";
import { expectTypeOf, test } from "vitest";
import type * as wasm from "#wasm/ingest";
import type schema from "../../convex/schema.js";
import type * as validators from "../../convex/validators.js";

type Of<Name extends keyof typeof validators> = (typeof validators)[Name] extends infer V extends { type: unknown } ? V["type"] : never;
type Row<Table extends keyof typeof schema.tables> = Infer<(typeof schema.tables)[Table]["validator"]>;

test("the words of states, kinds and causes are the core's, all of them and no others", () => {
  expectTypeOf<Of<"vTurnStatus">>().toEqualTypeOf<wasm.TurnStatus>();
  expectTypeOf<Of<"vRole">>().toEqualTypeOf<wasm.Role>();
  expectTypeOf<Of<"vMessageStatus">>().toEqualTypeOf<wasm.MessageStatus>();
  expectTypeOf<Of<"vStreamState">>().toEqualTypeOf<wasm.StreamState>();
  expectTypeOf<Of<"vRequestStatus">>().toEqualTypeOf<wasm.RequestState>();
  expectTypeOf<Of<"vRequestCause">>().toEqualTypeOf<wasm.RequestCause>();
  expectTypeOf<Of<"vCommandKind">>().toEqualTypeOf<wasm.CommandKind>();
  expectTypeOf<Of<"vCommandState">>().toEqualTypeOf<wasm.CommandState>();
  expectTypeOf<Of<"vPhase">>().toEqualTypeOf<wasm.Phase>();
  expectTypeOf<Of<"vLogin">>().toEqualTypeOf<wasm.Login>();
  expectTypeOf<NonNullable<Row<"turns">["source"]>>().toEqualTypeOf<wasm.Source>();
  expectTypeOf<Of<"vIngestSafeResult">["errors"][number]["code"]>().toEqualTypeOf<wasm.FaultClass>();
  expectTypeOf<Of<"vReasoningSegment">["channel"]>().toEqualTypeOf<wasm.ReasoningChannel>();
  expectTypeOf<Of<"vReasoningSegment">["segmentType"]>().toEqualTypeOf<wasm.SegmentType>();
  expectTypeOf<Of<"vReplay">["streamWindows"][number]["status"]>().toEqualTypeOf<wasm.WindowStatus>();
});

test("what is answered and stored as it is has the core's fields", () => {
  expectTypeOf<Of<"vPlace">>().toEqualTypeOf<wasm.Place>();
  expectTypeOf<Of<"vPresenceThread">>().toEqualTypeOf<wasm.PresenceThread>();
  type Seen = Omit<Of<"vPresenceView">, "runtimeId" | "deviceId" | "current">;
  expectTypeOf<Seen>().toEqualTypeOf<wasm.PresenceView>();
});
