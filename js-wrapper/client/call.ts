/** How a client function is made of a function of the component: it passes on what it is given, and nothing is decided. */
import type { FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";
import type { CodexComponent, HostMutationCtx, HostQueryCtx } from "../host/component.js";

/** The context of a query, a mutation or an action. */
export type CodexQueryRunner = HostQueryCtx;

/** The context of a mutation or an action. */
export type CodexMutationRunner = HostMutationCtx;

/** Arguments in which a field that may be left out may be `undefined` too: Convex leaves it out. */
type Given<Args> = { [Field in keyof Args]: Args[Field] | (undefined extends Args[Field] ? undefined : never) };

/** A function that reads through the component. */
export type CodexRead<Query extends FunctionReference<"query", "internal">> = (
  ctx: CodexQueryRunner,
  component: CodexComponent,
  args: Given<FunctionArgs<Query>>,
) => Promise<FunctionReturnType<Query>>;

/** A function that writes through the component. */
export type CodexWrite<Mutation extends FunctionReference<"mutation", "internal">> = (
  ctx: CodexMutationRunner,
  component: CodexComponent,
  args: Given<FunctionArgs<Mutation>>,
) => Promise<FunctionReturnType<Mutation>>;

/** Makes the function that calls a query. */
export function reads<Query extends FunctionReference<"query", "internal">>(query: (component: CodexComponent) => Query): CodexRead<Query> {
  return (ctx, component, args) => ctx.runQuery(query(component), args);
}

/** Makes the function that calls a mutation. */
export function writes<Mutation extends FunctionReference<"mutation", "internal">>(
  mutation: (component: CodexComponent) => Mutation,
): CodexWrite<Mutation> {
  return (ctx, component, args) => ctx.runMutation(mutation(component), args);
}
