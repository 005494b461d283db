/** Tokens by which a user's machines prove which device they are. Their hashes are kept, and are no user's but by their rows. */
import { v } from "convex/values";
import { planIssue, tokenHash } from "../js-wrapper/core/devices.js";
import { given } from "../js-wrapper/given.js";
import { internal } from "./_generated/api.js";
import { internalMutation, mutation, query } from "./_generated/server.js";
import { coded } from "./errors.js";
import { decide } from "./model/core.js";
import { findOwn, scopeOf } from "./model/scope.js";
import { vActor, vDeviceToken, vIssuedToken, vRevoked } from "./validators.js";

/** Tokens that are counted, and listed. SOURCE: `src/limits.rs`, DEVICE_TOKENS_MAX. */
const TOKENS_MAX = 50;
/** Milliseconds that a token's end is scheduled ahead, at most: of one that is revoked nothing is left for longer. */
const END_AHEAD_MAX_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * Issues a token for a device of the actor's: for a signed-in user alone, who gives it to the bridge there.
 *
 * `entropy` is at least 32 random bytes as text (base64, 43 characters), made by the asker: a mutation has no secret chance of
 * its own. `ttlMs`, in milliseconds, is 90 days where it is not given, a minute at least and a year at most.
 *
 * @returns the token, which nobody is told again, and the id by which it is revoked
 * @throws `E_DEVICE_INVALID`, `E_QUOTA` (50 tokens of a user may hold)
 */
export const issueToken = mutation({
  args: { actor: vActor, deviceId: v.string(), label: v.optional(v.string()), ttlMs: v.optional(v.number()), entropy: v.string() },
  returns: vIssuedToken,
  handler: async (ctx, { actor, deviceId, label, ttlMs, entropy }) => {
    const { tenantId, userId } = scopeOf(actor);
    const nowMs = Date.now();
    const held = await ctx.db
      .query("deviceTokens")
      .withIndex("by_user", (q) => q.eq("tenantId", tenantId).eq("userId", userId).gt("expiresAt", nowMs))
      .take(TOKENS_MAX);
    const random = crypto.randomUUID() + crypto.randomUUID();
    const answer = decide(() => planIssue({ nowMs, deviceId, label, ttlMs, entropy, random, held: held.length }));
    if (answer.type === "rejected") throw coded(answer.code, answer.message);
    const { token, hash, expiresAt } = answer;
    const row = { tenantId, userId, deviceId, ...given({ label }), hash, issuedBy: actor.deviceId, createdAt: nowMs, expiresAt };
    const tokenId = await ctx.db.insert("deviceTokens", row);
    await ctx.scheduler.runAt(Math.min(expiresAt, nowMs + END_AHEAD_MAX_MS), internal.devices.expire, { id: tokenId });
    return { tokenId, token, deviceId, expiresAt };
  },
});

/** Takes a token back: it holds no more when this returns. `revoked` is false where the actor has none of that id. */
export const revokeToken = mutation({
  args: { actor: vActor, tokenId: v.string() },
  returns: vRevoked,
  handler: async (ctx, { actor, tokenId }) => {
    const row = await findOwn(ctx, "deviceTokens", actor, tokenId);
    if (row === null) return { revoked: false };
    await ctx.db.delete("deviceTokens", row._id);
    return { revoked: true };
  },
});

/** The actor's tokens, the one that holds longest first: what they are for, never the tokens. */
export const list = query({
  args: { actor: vActor },
  returns: v.array(vDeviceToken),
  handler: async (ctx, { actor }) => {
    const { tenantId, userId } = scopeOf(actor);
    const rows = await ctx.db
      .query("deviceTokens")
      .withIndex("by_user", (q) => q.eq("tenantId", tenantId).eq("userId", userId))
      .order("desc")
      .take(TOKENS_MAX);
    return rows.map(({ _id, deviceId, label, issuedBy, createdAt, expiresAt }) => ({
      ...{ tokenId: _id, deviceId, ...given({ label }), issuedBy, createdAt, expiresAt },
    }));
  },
});

/**
 * Whose token it is: the actor that the bridge's functions act for, or null where there is no such token, or it expired or was
 * revoked. A query that asks may be subscribed to: the row goes at its time, and that runs the query again.
 */
export const check = query({
  args: { token: v.string() },
  returns: v.union(v.null(), vActor),
  handler: async (ctx, { token }) => {
    const hash = decide(() => tokenHash(token));
    const row = await ctx.db
      .query("deviceTokens")
      .withIndex("by_hash", (q) => q.eq("hash", hash).gt("expiresAt", Date.now()))
      .unique();
    if (row === null) return null;
    const { tenantId, userId, deviceId } = row;
    return { tenantId, userId, deviceId };
  },
});

/** Takes a token away at its time. */
export const expire = internalMutation({
  args: { id: v.id("deviceTokens") },
  returns: v.null(),
  handler: async (ctx, { id }) => {
    const row = await ctx.db.get("deviceTokens", id);
    if (row === null) return null;
    const nowMs = Date.now();
    if (row.expiresAt <= nowMs) await ctx.db.delete("deviceTokens", id);
    else await ctx.scheduler.runAt(Math.min(row.expiresAt, nowMs + END_AHEAD_MAX_MS), internal.devices.expire, { id });
    return null;
  },
});
