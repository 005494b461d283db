import type { Auth, UserIdentity } from "convex/server";
import { hostError } from "./errors.js";
import type { HostActorContext } from "./validators.js";

/** How an actor is made of who is signed in: a text, or what an identity says. */
export interface CodexAuthOptions {
  /** `default` where it is not given: the user's own name is unique already. An app with organisations takes theirs. */
  tenantId?: string | ((identity: UserIdentity) => unknown) | undefined;
  /** `tokenIdentifier` where it is not given, which no two users of any issuer share. */
  userId?: ((identity: UserIdentity) => unknown) | undefined;
  /** The session's id (the claim `sid`) where it is not given, and `web` where there is none. */
  deviceId?: string | ((identity: UserIdentity) => unknown) | undefined;
}

const TENANT = "default";
const DEVICE = "web";

/**
 * Derives the actor from who is signed in: on the server, from nothing that a client can say.
 *
 * @param ctx of a query, a mutation or an action
 * @param options where tenant, user and device are taken from, if not from where they are by default
 * @returns `{tenantId, userId, deviceId}`
 * @throws ConvexError `E_AUTH_SIGNED_OUT` where nobody is signed in, `E_AUTH_ACTOR_INVALID` where one of the three is no text
 * @example
 * ```ts
 * const actor = await resolveActorFromAuth(ctx, { tenantId: (identity) => identity.org_id });
 * ```
 */
export async function resolveActorFromAuth(ctx: { auth: Auth }, options: CodexAuthOptions = {}): Promise<HostActorContext> {
  const identity = await ctx.auth.getUserIdentity();
  if (identity === null) throw hostError("E_AUTH_SIGNED_OUT", "nobody is signed in");
  const { tenantId = TENANT, userId = byToken, deviceId = bySession } = options;
  return {
    tenantId: named("tenantId", tenantId, identity),
    userId: named("userId", userId, identity),
    deviceId: named("deviceId", deviceId, identity),
  };
}

function byToken({ tokenIdentifier }: UserIdentity): string {
  return tokenIdentifier;
}

function bySession({ sid }: UserIdentity): unknown {
  return sid ?? DEVICE;
}

function named(field: keyof HostActorContext, from: string | ((identity: UserIdentity) => unknown), identity: UserIdentity): string {
  const name = typeof from === "string" ? from : from(identity);
  if (typeof name === "string" && name !== "") return name;
  throw hostError("E_AUTH_ACTOR_INVALID", "the identity has no text for a field of the actor", { field });
}
