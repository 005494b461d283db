// A recording, read: what the client asked, what the server said, and when.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;

/**
 * @typedef {{kind: "request", tMs: number, id: number | string, method: string, input?: object[], responseIndex?: number}} RequestEntry `input`: what it told the model
 * @typedef {{kind: "answer", tMs: number, id: number | string, decision?: unknown}} AnswerEntry the client's answer to a request of the server
 * @typedef {{kind: "say", tMs: number, message: object, line: string, request?: RequestEntry}} SayEntry `request` is what it responds to
 * @typedef {{kind: "die", tMs: number, signal?: string, code?: number}} DieEntry
 * @typedef {RequestEntry | AnswerEntry | SayEntry | DieEntry} Entry
 */

/**
 * The entries of one process of a recording.
 *
 * @param {string} file JSONL: `{"dir", "t", "msg"}` a line
 * @param {{process?: number, freshIds?: boolean}} [options] `process`: the first is 1; a recording of a crash has one before it and
 *   one after. `freshIds`: every UUID (threads, turns, the user's messages) is a new one, the same wherever it stands.
 * @returns {Entry[]}
 */
export function readTape(file, { process = 1, freshIds = false } = {}) {
  const recorded = readFileSync(file, "utf8");
  const lines = (freshIds ? withFreshIds(recorded) : recorded).split("\n").filter(Boolean);
  let count = 0;
  const entries = [];
  const requests = new Map();
  for (const line of lines) {
    const { dir, t: tMs, msg } = JSON.parse(line);
    if (dir === "proc" && msg.event === "start") count += 1;
    if (count !== process) continue;
    if (dir === "proc") {
      // A clean exit was the client's doing, and is the live client's to do.
      if (msg.event === "exit" && msg.code !== 0) entries.push({ kind: "die", tMs, signal: msg.signal, code: msg.code });
    } else if (dir === "out") {
      const entry = clientEntry(tMs, msg);
      if (!entry) continue;
      if (entry.kind === "request") requests.set(entry.id, entry);
      entries.push(entry);
    } else {
      const request = msg.method === undefined ? requests.get(msg.id) : undefined;
      if (request) request.responseIndex = entries.length;
      entries.push({ kind: "say", tMs, message: msg, line: messageText(line), request });
    }
  }
  if (count < process) throw new Error(`${file} has ${count} process(es), not ${process}`);
  return entries;
}

function withFreshIds(text) {
  const fresh = new Map();
  return text.replace(UUID, (id) => {
    if (!fresh.has(id)) fresh.set(id, randomUUID());
    return fresh.get(id);
  });
}

/** Notifications of the client, and what it sent that was no JSON, have no answer: the tape does not wait for them. */
function clientEntry(tMs, msg) {
  if (msg.id === undefined) return undefined;
  return msg.method === undefined ? { kind: "answer", tMs, id: msg.id, decision: msg.result?.decision } : { kind: "request", tMs, id: msg.id, method: msg.method, input: msg.params?.input };
}

/** The message as it was recorded, to the byte: `msg` is the last key of its line. */
function messageText(line) {
  const key = '"msg":';
  return line.slice(line.indexOf(key) + key.length, line.lastIndexOf("}"));
}
