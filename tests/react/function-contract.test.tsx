// What the hooks that call accept as an app's functions: all that take what is sent, with the app's own arguments beside it.
import type { DefaultFunctionArgs, FunctionReference } from "convex/server";
import { expectTypeOf, it } from "vitest";
import type { CodexCommandState } from "../../js-wrapper/host/component.js";
import type {
  CodexApi,
  CodexApprovalRespondArgs,
  CodexApprovalRespondMutation,
  CodexCommandMutations,
  CodexComposerSendArgs,
  CodexInterruptTurnMutation,
  CodexSendArgs,
  CodexSendMutation,
  CodexStartTurnMutation,
} from "../../js-wrapper/react/index.js";
import type { api } from "./host-api.js";

type Mutation<Args extends DefaultFunctionArgs, Answer> = FunctionReference<"mutation", "public", Args, Answer>;
/* eslint-disable-next-line @typescript-eslint/no-explicit-any */
type Untyped<Answer> = FunctionReference<"mutation", "public", any, Answer>;
type Sent = { commandId: string; state: CodexCommandState };
type Own = { tenant: string };
type Chat = typeof api.chat;

it("a mutation that sends takes a command, and what else an app's takes", () => {
  type Command = { threadId: string; commandId: string; kind: string; payloadJson: string };
  expectTypeOf<Mutation<Command & Own, Sent>>().toExtend<CodexSendMutation>();
  expectTypeOf<CodexSendArgs<Mutation<Command & Own, Sent>>>().toEqualTypeOf<{ threadId: string; tenant: string }>();
  expectTypeOf<Untyped<Sent>>().toExtend<CodexSendMutation>();
  expectTypeOf<Mutation<Omit<Command, "commandId">, Sent>>().not.toExtend<CodexSendMutation>();
  expectTypeOf<Mutation<Omit<Command, "payloadJson">, Sent>>().not.toExtend<CodexSendMutation>();
  expectTypeOf<Mutation<Command & { ttlMs?: string }, Sent>>().not.toExtend<CodexSendMutation>();
  expectTypeOf<Mutation<Command, null>>().not.toExtend<CodexSendMutation>();
});

it("mutations of a command that waits take its id, and what is changed", () => {
  expectTypeOf<{ cancel: Mutation<{ commandId: string } & Own, null> }>().toExtend<CodexCommandMutations>();
  expectTypeOf<{ cancel: Mutation<{ id: string }, null> }>().not.toExtend<CodexCommandMutations>();
  expectTypeOf<{ edit: Mutation<{ commandId: string; payloadJson: string } & Own, null> }>().toExtend<CodexCommandMutations>();
  expectTypeOf<{ edit: Mutation<{ commandId: string }, null> }>().not.toExtend<CodexCommandMutations>();
  expectTypeOf<{ promote: Mutation<{ commandId: string }, null> }>().toExtend<CodexCommandMutations>();
  expectTypeOf<{ promote: Mutation<{ commandId: string; expectedTurnId?: number }, null> }>().not.toExtend<CodexCommandMutations>();
});

it("a mutation that begins turns takes both ids", () => {
  type Start = { threadId: string; turnId: string; idempotencyKey: string; inputText: string };
  expectTypeOf<Mutation<Start & Own, unknown>>().toExtend<CodexStartTurnMutation>();
  expectTypeOf<CodexComposerSendArgs<Mutation<Start & Own, unknown>>>().toEqualTypeOf<{ threadId: string; inputText: string; tenant: string; turnId?: string; idempotencyKey?: string }>();
  expectTypeOf<Mutation<Omit<Start, "turnId">, unknown>>().not.toExtend<CodexStartTurnMutation>();
  expectTypeOf<Mutation<Omit<Start, "idempotencyKey">, unknown>>().not.toExtend<CodexStartTurnMutation>();
});

it("a mutation that ends a turn names it", () => {
  expectTypeOf<Mutation<{ threadId: string; turnId: string } & Own, null>>().toExtend<CodexInterruptTurnMutation>();
  expectTypeOf<Mutation<{ threadId: string }, null>>().not.toExtend<CodexInterruptTurnMutation>();
});

it("a mutation that decides names the approval, and takes a decision", () => {
  type Decided = { threadId: string; turnId: string; itemId: string; decision: "accepted" | "declined" };
  expectTypeOf<Mutation<Decided & Own, null>>().toExtend<CodexApprovalRespondMutation>();
  expectTypeOf<CodexApprovalRespondArgs<Mutation<Decided & Own, null>>>().toExtend<Omit<Decided, "decision"> & Own>();
  expectTypeOf<Mutation<Omit<Decided, "decision">, null>>().not.toExtend<CodexApprovalRespondMutation>();
  expectTypeOf<Mutation<Omit<Decided, "itemId">, null>>().not.toExtend<CodexApprovalRespondMutation>();
});

it("what `defineCodexHost` makes is all of these", () => {
  expectTypeOf<Chat>().toExtend<CodexApi>();
  expectTypeOf<Chat["registerTurnStart"]>().toExtend<CodexStartTurnMutation>();
  expectTypeOf<Chat["interruptTurnForHooks"]>().toExtend<CodexInterruptTurnMutation>();
});
