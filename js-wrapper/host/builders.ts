/** How the functions of `defineCodexHost` are made: what a client says and who it is come from two places. */
import {
  mutationGeneric,
  queryGeneric,
  type GenericDataModel,
  type GenericMutationCtx,
  type GenericQueryCtx,
  type RegisteredMutation,
  type RegisteredQuery,
} from "convex/server";
import { v, type GenericValidator, type Infer, type ObjectType, type PropertyValidators } from "convex/values";
import type { CodexComponent, HostMutationCtx, HostQueryCtx } from "./component.js";
import type { HostActorContext, HostSyncRuntimeOptions } from "./validators.js";

/** Makes a function of the app: `query` or `mutation` of its `_generated/server`, or one that wraps them. */
export type CodexFunctionBuilder = (definition: never) => unknown;

/** What tells who calls; `Model` is the app's. */
export interface CodexHostAuth<Model extends GenericDataModel = GenericDataModel> {
  /** The actor of a reader: a person, signed in. Throws where there is none. */
  actor: (ctx: GenericQueryCtx<Model>) => HostActorContext | Promise<HostActorContext>;
  /**
   * The actor of a bridge, in place of the device token's. Throws where what calls is none: what a reader is signed in with must
   * not be enough.
   */
  bridge?: ((ctx: GenericQueryCtx<Model>, credential: { deviceToken: string | undefined }) => HostActorContext | Promise<HostActorContext>) | undefined;
}

/** Options of `defineCodexHost`. */
export interface CodexHostOptions<Model extends GenericDataModel = GenericDataModel> extends CodexHostAuth<Model> {
  /** The app's own builders, where it has wrapped them; else those of `convex/server`. */
  query?: CodexFunctionBuilder | undefined;
  mutation?: CodexFunctionBuilder | undefined;
  /** What is kept of the events that bridges send: the server's choice, never a client's. */
  ingest?: HostSyncRuntimeOptions | undefined;
  /** Whether readers may see raw reasoning, where it is kept; where it is not true, no reader's function answers with any. */
  includeRaw?: boolean | undefined;
  /** How much a reader may read at once, 100 deltas of a stream and 1,000 in all where it is not given; readers may only ask for less. */
  read?: Pick<HostSyncRuntimeOptions, "maxDeltasPerStreamRead" | "maxDeltasPerRequestRead"> | undefined;
}

/** Arguments with whom they are of. */
type OfActor<Args extends PropertyValidators> = ObjectType<Args> & { actor: HostActorContext };

type Call<Ctx, Args extends PropertyValidators, Answer> = (ctx: Ctx, component: CodexComponent, args: OfActor<Args>) => Promise<Answer>;

/** Every function of a bridge takes the credential. */
const vCredential = { deviceToken: v.optional(v.string()) };
type WithCredential<Args extends PropertyValidators> = Args & typeof vCredential;

/** What a validator takes, as code may hand it over: a field that may be left out may be undefined as well. */
type Taken<T> = T extends readonly (infer Member)[]
  ? readonly Taken<Member>[]
  : T extends object
    ? { [Field in keyof T]: Taken<T[Field]> | (undefined extends T[Field] ? undefined : never) }
    : T;

// `RegisteredQuery` and `RegisteredMutation` by their own names: an app's generated api infers arguments and answers from them.

/** What makes the functions of readers, or those of bridges. */
export interface HostBuilders {
  query: <Args extends PropertyValidators, Returns extends GenericValidator, Answer extends Taken<Infer<Returns>>>(
    args: Args,
    returns: Returns,
    call: Call<HostQueryCtx, Args, Answer>,
  ) => RegisteredQuery<"public", ObjectType<Args>, Promise<Answer>>;
  mutation: <Args extends PropertyValidators, Returns extends GenericValidator, Answer extends Taken<Infer<Returns>>>(
    args: Args,
    returns: Returns,
    call: Call<HostMutationCtx & HostQueryCtx, Args, Answer>,
  ) => RegisteredMutation<"public", ObjectType<Args>, Promise<Answer>>;
}

/** As {@link HostBuilders}, with the credential among the arguments. */
export interface BridgeBuilders {
  query: <Args extends PropertyValidators, Returns extends GenericValidator, Answer extends Taken<Infer<Returns>>>(
    args: Args,
    returns: Returns,
    call: Call<HostQueryCtx, Args, Answer>,
  ) => RegisteredQuery<"public", ObjectType<WithCredential<Args>>, Promise<Answer>>;
  mutation: <Args extends PropertyValidators, Returns extends GenericValidator, Answer extends Taken<Infer<Returns>>>(
    args: Args,
    returns: Returns,
    call: Call<HostMutationCtx & HostQueryCtx, Args, Answer>,
  ) => RegisteredMutation<"public", ObjectType<WithCredential<Args>>, Promise<Answer>>;
}

type Given = Record<string, unknown>;
type AnyCall = (ctx: never, component: CodexComponent, args: never) => Promise<unknown>;
type Resolve = (ctx: GenericQueryCtx<GenericDataModel>, given: Given) => Promise<{ actor: HostActorContext; args: Given }>;

/** Builders of functions for readers: the actor is who is signed in. */
export function readerBuilders<Model extends GenericDataModel>(component: CodexComponent, options: CodexHostOptions<Model>): HostBuilders {
  const resolve: Resolve = async (ctx, args) => ({ actor: await options.actor(ctx as unknown as GenericQueryCtx<Model>), args });
  return build(component, options, {}, resolve) as HostBuilders;
}

/** Builders of functions for bridges: the actor is whose credential it is. */
export function bridgeBuilders<Model extends GenericDataModel>(
  component: CodexComponent,
  options: CodexHostOptions<Model>,
  check: NonNullable<CodexHostAuth<Model>["bridge"]>,
): BridgeBuilders {
  const resolve: Resolve = async (ctx, { deviceToken, ...args }) => ({
    actor: await check(ctx as unknown as GenericQueryCtx<Model>, { deviceToken: deviceToken as string | undefined }),
    args,
  });
  return build(component, options, vCredential, resolve) as BridgeBuilders;
}

function build(component: CodexComponent, options: Pick<CodexHostOptions, "query" | "mutation">, more: PropertyValidators, resolve: Resolve) {
  const make = (builder: CodexFunctionBuilder) => (args: PropertyValidators, returns: GenericValidator, call: AnyCall) => {
    const handler = async (ctx: GenericMutationCtx<GenericDataModel>, given: Given) => {
      const { actor, args: own } = await resolve(ctx, given);
      return await call(ctx as never, component, { ...own, actor } as never);
    };
    return builder({ args: { ...args, ...more }, returns, handler } as never);
  };
  return { query: make(options.query ?? queryGeneric), mutation: make(options.mutation ?? mutationGeneric) };
}
