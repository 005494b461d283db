import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { RawLog } from "../../js-wrapper/runtime/raw-log.js";
import { folder } from "../outbox/build.js";

const KEY = "sk-proj-4fTq8ZxWvYb2Lk9PnRs3Ud7a";
const linesOf = (file: string) =>
  readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as { dir: string; t: number; msg: unknown });

async function begin(bytesMax?: number) {
  const file = path.join(await folder(), "logs", "raw.jsonl");
  const errors: unknown[] = [];
  const log = new RawLog(file, (thrown) => errors.push(thrown), bytesMax);
  return { log, file, errors };
}

describe("the raw log", () => {
  it("has every line of both sides as recordings have it, and its user alone can read it", async () => {
    const { log, file } = await begin();
    log.line("out", '{"method":"thread/start","id":"c-1","params":{}}');
    log.line("in", '{"id":"c-1","result":{"thread":{"id":"t"}}}');
    log.line("in", "no message");
    log.close();
    expect(linesOf(file).map(({ dir, msg }) => [dir, msg])).toEqual([
      ["out", { method: "thread/start", id: "c-1", params: {} }],
      ["in", { id: "c-1", result: { thread: { id: "t" } } }],
      ["in", { raw: "no message" }],
    ]);
    expect([statSync(file).mode & 0o777, statSync(path.dirname(file)).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it("is its user's alone where the file was there before and was not, and lets its folder be", async () => {
    const where = await folder();
    const file = path.join(where, "raw.jsonl");
    writeFileSync(file, "", { mode: 0o644 });
    chmodSync(file, 0o644);
    chmodSync(where, 0o755);
    new RawLog(file, () => undefined).close();
    expect([statSync(file).mode & 0o777, statSync(where).mode & 0o777]).toEqual([0o600, 0o755]);
  });

  it("has no secret, of messages, of answers to what was asked, and of answers to nobody knows what", async () => {
    const { log, file } = await begin();
    log.line("out", `{"method":"account/login/start","id":1,"params":{"type":"apiKey","apiKey":"${KEY}"}}`);
    log.line("in", '{"id":1,"result":{"email":"a@b.test"}}');
    log.line("in", '{"method":"item/tool/requestUserInput","id":0,"params":{"questions":[{"id":"q","isSecret":true}]}}');
    log.line("out", '{"id":0,"result":{"answers":{"q":{"answers":["hunter2"]}}}}');
    log.line("out", '{"id":77,"result":{"unknown":"hunter3"}}');
    log.line("in", `the key is ${KEY}`);
    log.close();
    const text = readFileSync(file, "utf8");
    for (const secret of [KEY, "a@b.test", "hunter2", "hunter3"]) expect(text).not.toContain(secret);
    expect(linesOf(file)).toHaveLength(6);
  });

  it("is two files at most, as large as is said", async () => {
    const { log, file } = await begin(200);
    for (let n = 0; n < 20; n++) log.line("in", `{"method":"m","params":{"n":${String(n)}}}`);
    log.close();
    expect([existsSync(file), existsSync(`${file}.1`), existsSync(`${file}.2`)]).toEqual([true, true, false]);
    expect(statSync(`${file}.1`).size).toBeLessThan(300);
    const numbers = [...linesOf(`${file}.1`), ...linesOf(file)].map(({ msg }) => (msg as { params: { n: number } }).params.n);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, at) => 20 - numbers.length + at));
  });

  it("that cannot be written says so once, and ends", async () => {
    const file = path.join(await folder(), "raw.jsonl");
    mkdirSync(file);
    const errors: unknown[] = [];
    const log = new RawLog(file, (thrown) => errors.push(thrown));
    log.line("in", "{}");
    log.close();
    expect(errors).toHaveLength(1);
    chmodSync(file, 0o700);
  });
});
