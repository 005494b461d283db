/** What a command makes of what a deployment answers. */
import { makeFunctionReference } from "convex/server";
import { ConvexError } from "convex/values";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import schema from "../../convex/schema.js";
import { Deployment, PROBES } from "../../js-wrapper/cli/deployment.js";
import { defineCodexHost } from "../../js-wrapper/host/convex.js";
import { type AppCtx, codexLocal, startApp } from "../convex/app.js";
import { answering, inTrouble } from "./build.js";

describe("what answers in a deployment's place", () => {
  test.each([408, 429, 500, 502, 503, 504])("HTTP %d is of a deployment that is away for now", async (status) => {
    const answer = await new Deployment(await inTrouble(status), "chat").ask("token");
    expect(answer).toEqual({ type: "unreachable", told: { code: "E_CLI_DEPLOYMENT_UNREACHABLE", message: `the deployment does not answer (HTTP ${String(status)})`, hint: expect.any(String) as unknown } });
  });

  test("what a deployment in trouble says of it is told", async () => {
    const url = await answering((_request, response) => response.writeHead(503, { "content-type": "application/json" }).end('{"code":"Overloaded","message":"later"}'));
    expect(await new Deployment(url, "chat").ask("token")).toMatchObject({ type: "unreachable", told: { message: 'the deployment does not answer (HTTP 503): {"code":"Overloaded","message":"later"}' } });
  });

  test.each([
    ["a function that failed", 560, "refused"],
    ["a request that is wrong", 400, "refused"],
  ])("%s is not waited for", async (_name, status, type) => {
    const url = await answering((_request, response) => response.writeHead(status, { "content-type": "application/json" }).end('{"status":"error","errorMessage":"no"}'));
    expect(await new Deployment(url, "chat").ask("token")).toMatchObject({ type });
  });

  test("a question is given up after 10 s, whatever a call may take", async () => {
    const timeout = vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => AbortSignal.abort(new DOMException(`${String(ms)} ms`, "TimeoutError")));
    onTestFinished(() => timeout.mockRestore());
    const deployment = new Deployment(await answering(() => undefined), "chat");
    expect(await deployment.ask("token")).toMatchObject({ type: "unreachable", told: { message: "the deployment does not answer: 10000 ms" } });
    await expect(deployment.persistence("token").ensureThread({ localThreadId: "t" })).rejects.toThrow("60000 ms");
  });

  test.each([404, 560])("HTTP %d in no JSON is of no deployment", async (status) => {
    expect(await new Deployment(await inTrouble(status), "chat").ask("token")).toMatchObject({ type: "notConvex", told: { code: "E_CLI_NOT_CONVEX" } });
  });
});

describe("what doctor asks each function of bridges", () => {
  const ANN = { tenantId: "t", userId: "ann", deviceId: "laptop" };
  /** What each says to it: the code that it refuses by, or its answer; and the tables in which there is something then. */
  async function answers(bridge?: () => typeof ANN) {
    const chat = defineCodexHost(codexLocal, { actor: () => ANN, bridge });
    const app = startApp({ chat });
    const said: Record<string, unknown> = {};
    for (const [name, args] of Object.entries(PROBES)) {
      const { isQuery } = chat[name as keyof typeof PROBES] as { isQuery?: true };
      const answer = isQuery ? app.query(makeFunctionReference<"query">(`chat:${name}`), args) : app.mutation(makeFunctionReference<"mutation">(`chat:${name}`), args);
      said[name] = await answer.catch((thrown: unknown) => (thrown instanceof ConvexError ? (thrown.data as { code: string }).code : thrown));
    }
    const { runInComponent } = app as unknown as { runInComponent: (name: string, look: (ctx: AppCtx) => Promise<unknown>) => Promise<unknown> };
    const written = await runInComponent("codexLocal", async ({ db }) => {
      const rows = await Promise.all(Object.keys(schema.tables).map(async (table) => [table, (await db.query(table).collect()).length] as const));
      return rows.filter(([, count]) => count > 0);
    });
    return { said, written };
  }

  test("each takes, and refuses by a code where there is no token", async () => {
    const { said } = await answers();
    expect(said).toEqual(Object.fromEntries(Object.keys(PROBES).map((name) => [name, "E_AUTH_DEVICE_FORBIDDEN"])));
  });

  test("writes nothing even where the app lets everybody in as a bridge", async () => {
    const { said, written } = await answers(() => ANN);
    expect(said).toMatchObject({ ensureThread: "E_REQUEST_INVALID", listOpenCommandsForBridge: [] });
    expect(written).toEqual([]);
  });
});
