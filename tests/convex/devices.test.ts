/** Device tokens: told once, kept as a hash, held to their user, device and time, and bounded. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Actor } from "../../convex/validators.js";
import { api, dump, internal, OWNER, refusal, startComponent, type Component } from "./build.js";

const NOW_MS = 1_800_000_000_000;
const DAY = 86_400_000;
const ENTROPY = "Zm9yIHRlc3RzLCB0aGlzIGlzIG5vdCByYW5kb20gYXQgYWxs";
const BOB = { ...OWNER, userId: "bob" };

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: NOW_MS }));
afterEach(() => vi.useRealTimers());

const issue = (component: Component, more: object = {}, actor: Actor = OWNER) =>
  component.mutation(api.devices.issueToken, { actor, deviceId: "laptop", entropy: ENTROPY, ...more });
const check = (component: Component, token: string) => component.query(api.devices.check, { token });
const list = (component: Component, actor: Actor = OWNER) => component.query(api.devices.list, { actor });
const revoke = (component: Component, tokenId: string, actor: Actor = OWNER) => component.mutation(api.devices.revokeToken, { actor, tokenId });

describe("a token", () => {
  test("says whose device it is, and is nowhere in a row", async () => {
    const component = startComponent();
    const { token, tokenId, deviceId, expiresAt } = await issue(component, { deviceId: "laptop", label: "work" });
    expect({ deviceId, expiresAt }).toEqual({ deviceId: "laptop", expiresAt: NOW_MS + 90 * DAY });
    expect(token).toMatch(/^cdxd_[0-9a-f]{64}$/);
    expect(await check(component, token)).toEqual({ tenantId: OWNER.tenantId, userId: OWNER.userId, deviceId: "laptop" });
    const rows = await dump(component);
    expect(JSON.stringify(rows)).not.toContain(token.slice("cdxd_".length));
    expect(JSON.stringify(rows)).not.toContain(ENTROPY);
    expect(await list(component)).toEqual([{ tokenId, deviceId: "laptop", label: "work", issuedBy: OWNER.deviceId, createdAt: NOW_MS, expiresAt }]);
    expect(rows.deviceTokens).toHaveLength(1);
    for (const hash of rows.deviceTokens.map((row) => row.hash)) expect(await check(component, hash)).toBeNull();
  });

  test("is another one each time, whatever its asker brings", async () => {
    const component = startComponent();
    const tokens = [await issue(component), await issue(component), await issue(component, {}, BOB)].map(({ token }) => token);
    expect(new Set(tokens).size).toBe(3);
    expect((await check(component, tokens[2]!))?.userId).toBe("bob");
  });

  test.each(["", "cdxd_", "nothing", "cdxd_".padEnd(69, "0")])("that was not issued is nobody's: %j", async (token) => {
    const component = startComponent();
    await issue(component);
    expect(await check(component, token)).toBeNull();
  });

  test("holds until its time, and is forgotten by the sweep behind it", async () => {
    const component = startComponent();
    const { token, expiresAt } = await issue(component, { ttlMs: 60_000 });
    const later = await issue(component, { ttlMs: 60_001 });
    expect(expiresAt).toBe(NOW_MS + 60_000);
    vi.setSystemTime(expiresAt - 1);
    expect(await check(component, token)).not.toBeNull();
    expect(await component.mutation(internal.retention.cleanupDeviceTokens, {})).toEqual({ deleted: 0, hasMore: false });
    vi.setSystemTime(expiresAt);
    expect(await check(component, token)).toBeNull();
    expect(await check(component, later.token)).not.toBeNull();
    expect(await component.mutation(internal.retention.cleanupDeviceTokens, {})).toEqual({ deleted: 1, hasMore: false });
    expect((await list(component)).map(({ tokenId }) => tokenId)).toEqual([later.tokenId]);
  });

  test("ends by itself, so that who follows a query that checked it is told", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOW_MS });
    const component = startComponent();
    const tokens = async () => (await dump(component)).deviceTokens.map(({ label }) => label);
    const pass = async (ms: number) => {
      for (let left = ms; left > 0; left -= DAY) {
        vi.advanceTimersByTime(Math.min(left, DAY));
        await component.finishInProgressScheduledFunctions();
      }
    };
    await issue(component, { ttlMs: 60_000, label: "a minute" });
    const { tokenId } = await issue(component, { ttlMs: 30 * DAY, label: "revoked" });
    await issue(component, { ttlMs: 60 * DAY, label: "60 days" });
    await pass(59_999);
    expect(await tokens()).toEqual(["a minute", "revoked", "60 days"]);
    await pass(1);
    expect(await tokens()).toEqual(["revoked", "60 days"]);
    await revoke(component, tokenId);
    await pass(60 * DAY - 60_001);
    expect(await tokens()).toEqual(["60 days"]);
    await pass(1);
    expect(await tokens()).toEqual([]);
    const scheduled = await component.run((ctx) => ctx.db.system.query("_scheduled_functions").collect());
    expect(scheduled.filter(({ state }) => state.kind !== "success")).toEqual([]);
  });

  test("that is revoked holds no more, and its user alone revokes it", async () => {
    const component = startComponent();
    const { token, tokenId } = await issue(component);
    for (const [id, actor] of [[tokenId, BOB], [tokenId, { ...OWNER, tenantId: "other" }], ["none", OWNER]] as const) {
      expect(await revoke(component, id, actor)).toEqual({ revoked: false });
    }
    expect(await check(component, token)).not.toBeNull();
    expect(await revoke(component, tokenId, { ...OWNER, deviceId: "phone" })).toEqual({ revoked: true });
    expect(await check(component, token)).toBeNull();
    expect(await revoke(component, tokenId)).toEqual({ revoked: false });
    expect(await list(component)).toEqual([]);
  });
});

describe("a wish for a token", () => {
  test.each([
    ["without a device", { deviceId: "" }],
    ["with too little chance", { entropy: "x".repeat(42) }],
    ["with an empty label", { label: "" }],
  ])("%s is refused, and writes nothing", async (_, more) => {
    const component = startComponent();
    expect(await refusal(issue(component, more))).toMatchObject({ code: "E_DEVICE_INVALID", retryable: false });
    expect((await dump(component)).deviceTokens).toEqual([]);
  });

  test("beyond 50 that hold is refused, for that user", async () => {
    const component = startComponent();
    await issue(component, { ttlMs: 60_000 });
    for (let held = 1; held < 50; held++) await issue(component);
    expect((await refusal(issue(component))).code).toBe("E_QUOTA");
    await issue(component, {}, BOB);
    await issue(component, {}, { ...OWNER, tenantId: "other" });
    vi.setSystemTime(NOW_MS + 60_000);
    await issue(component);
    expect((await refusal(issue(component))).code).toBe("E_QUOTA");
    const [{ tokenId } = { tokenId: "" }] = await list(component);
    await revoke(component, tokenId);
    await issue(component);
  });
});
