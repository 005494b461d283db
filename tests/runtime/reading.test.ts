/** When codex is read. */
import { expect, it } from "vitest";
import { ReadClient, Reading } from "../../js-wrapper/runtime/reading.js";

function start() {
  const held: boolean[] = [];
  const sent: { id: string }[] = [];
  const reading = new Reading((isHeld) => void held.push(isHeld));
  const client = new ReadClient(reading, (message) => void sent.push(message as { id: string }));
  const answer = (at: number) => client.accept({ id: sent[at]!.id, result: {} });
  return { held, reading, client, answer };
}

it("is read while an answer is waited for, however much waits, and not before or after", async () => {
  const { held, reading, client, answer } = start();
  const first = client.request("account/read", {});
  reading.crowded(true);
  expect(held).toEqual([]);
  const second = client.requestUntyped("thread/start");
  answer(0);
  await first;
  expect(held).toEqual([]);
  answer(1);
  await second;
  expect(held).toEqual([true]);
  const third = client.request("account/read", {});
  expect(held).toEqual([true, false]);
  client.rejectAll("codex ended");
  await expect(third).rejects.toMatchObject({ code: "E_APP_SERVER_GONE" });
  expect(held).toEqual([true, false, true]);
  reading.crowded(false);
  expect(held).toEqual([true, false, true, false]);
});

it("is not read for an answer that its caller waits long for", async () => {
  const { held, reading, client, answer } = start();
  reading.crowded(true);
  const command = client.request("command/exec", { command: ["ls"] }, { timeoutMs: 3_600_000 });
  expect(held).toEqual([true]);
  answer(0);
  await command;
});
