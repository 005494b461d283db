// Plays a tape as a server: it answers the client that is there, in the order of the client that was recorded.
//
// - A request of the client is answered with the response of the next recorded request of that method, under the client's own id.
// - What was recorded before that request is sent before; the tape waits at a request until the client sends it.
// - A request of the client lets the tape pass all requests recorded before it: nobody sent those, so nobody gets their responses.
// - What the client says to a turn is given back as codex does it, in the client's words and under its `clientUserMessageId`. A turn that
//   runs takes every `turn/steer`, whether or not one was recorded; the model's answer is the recorded one all the same.
// - Requests that only read (`…/read`, `…/list`) are answered at once; the tape neither waits nor moves for them.
// - Whether codex is logged in, which few recordings were asked: nobody has to be.
// - A request of the server waits for the client's answer. An approval that is declined where the recorded client gave it ends as codex
//   ends it on `cancel`: its item is declined, and its turn interrupted; what was recorded of the turn behind it is passed over.
// - With `autoplay` the recorded client's requests and answers count as sent at their recorded time: the tape never waits.

import { randomUUID } from "node:crypto";

const INVALID_REQUEST = -32600;
/** How long an autoplaying tape waits for `initialize`, which every client sends as soon as it has started the process. */
const HANDSHAKE_MS = 250;
const READS = /\/(read|list)$/;
/** What every codex is asked, where it was not when the tape was recorded. */
const UNRECORDED = { "account/read": { account: null, requiresOpenaiAuth: false } };
const SAYS = new Set(["turn/start", "turn/steer"]);
const STREAMED = /delta$/i;
const APPROVAL = /\/requestApproval$/;
/** Decisions that let nothing happen. */
const REFUSALS = new Set(["decline", "cancel"]);

export class Player {
  #entries;
  #options;
  /** Index of the entry that is played next. */
  #at = 0;
  /** The tape may pass requests up to this index. */
  #released = -1;
  #claims = new Map(); // recorded request -> { id: the client's, answered }
  /** Responses that the tape has passed while nobody had asked for them. */
  #passed = new Set();
  #clientIds = new Set();
  /** Items that give back what the client said. */
  #echoes = new Set();
  /** The turn that runs: `{threadId, turnId}`. */
  #running;
  #clientAnswers = new Map(); // id -> the result
  #wake = () => {};

  /**
   * @param {import("./tape.mjs").Entry[]} entries
   * @param {{write: (line: string) => Promise<void>, die: (entry) => void, log: (text: string) => void, sleep: (ms: number) => Promise<void>,
   *   speed: number, tokenMs: number, autoplay: boolean}} options
   */
  constructor(entries, options) {
    this.#entries = entries;
    this.#options = options;
  }

  /** Plays to the end of the tape. */
  async play() {
    let playedMs = this.#entries[0]?.tMs ?? 0;
    for (; this.#at < this.#entries.length; this.#at += 1) {
      const entry = this.#entries[this.#at];
      if (await this.#holds(entry)) {
        playedMs = entry.tMs; // the client took its own time
        continue;
      }
      const delayMs = this.#delay(entry, playedMs);
      playedMs = entry.tMs;
      if (delayMs > 0) await this.#options.sleep(delayMs);
      if (entry.kind === "say") await this.#say(entry);
      if (entry.kind === "die") return this.#options.die(entry);
    }
  }

  /** A line that the client sent. */
  receive(line) {
    const message = parse(line);
    if (!message) return; // as the real server: silence
    if (message.method === undefined) {
      if (message.id === undefined) return;
      this.#clientAnswers.set(message.id, message.result);
    } else if (message.id !== undefined) {
      this.#clientIds.add(message.id);
      this.#claim(message);
    }
    this.#wake();
  }

  #claim({ id, method, params }) {
    const index = this.#entries.findIndex(
      (entry) => entry.kind === "request" && entry.method === method && !this.#claims.has(entry),
    );
    const request = this.#entries[index];
    if (!request && method in UNRECORDED) return void this.#options.write(JSON.stringify({ id, result: UNRECORDED[method] }));
    if (!request && method === "turn/steer") return this.#steer(id, params);
    if (!request) return this.#refuse(id, method);
    if (SAYS.has(method) && params?.input?.length > 0) this.#echo(request, index, params);
    const claim = { id, answered: false };
    this.#claims.set(request, claim);
    const readOnly = READS.test(method);
    if (!readOnly) this.#released = Math.max(this.#released, index);
    const response = this.#entries[request.responseIndex];
    if (response && (readOnly || this.#passed.has(response))) {
      claim.answered = true;
      void this.#respond(response, id);
    }
  }

  /** Has the tape give back what the client says where it gives back what was said in its place. */
  #echo(request, index, { input, clientUserMessageId = null }) {
    const isEcho = ({ kind, message }) => kind === "say" && message.params?.item?.type === "userMessage";
    const said = textOf(request.input);
    const first = this.#entries.find(
      (entry, at) => at > index && isEcho(entry) && textOf(entry.message.params.item.content) === said && !this.#echoes.has(entry.message.params.item.id),
    );
    if (first === undefined) return; // it was refused
    const { id } = first.message.params.item;
    this.#echoes.add(id);
    this.#entries = this.#entries.map((entry) => {
      if (!isEcho(entry) || entry.message.params.item.id !== id) return entry;
      return withParams(entry, { item: { ...entry.message.params.item, clientId: clientUserMessageId, content: contentOf(input) } });
    });
  }

  /** Answers a steer that the tape does not have. */
  #steer(id, { expectedTurnId, input = [], clientUserMessageId = null } = {}) {
    const { threadId, turnId } = this.#running ?? {};
    const send = (message) => void this.#options.write(JSON.stringify(message));
    const refuse = (message) => send({ id, error: { code: INVALID_REQUEST, message } });
    if (turnId === undefined) return refuse("no active turn to steer");
    if (expectedTurnId !== turnId) return refuse(`expected active turn id \`${expectedTurnId}\` but found \`${turnId}\``);
    const nowMs = Date.now();
    const item = { type: "userMessage", id: randomUUID(), clientId: clientUserMessageId, content: contentOf(input), startedAtMs: nowMs };
    send({ id, result: { turnId } });
    send({ method: "item/started", params: { item: { ...item, completedAtMs: null }, threadId, turnId, startedAtMs: nowMs } });
    send({ method: "item/completed", params: { item: { ...item, completedAtMs: nowMs }, threadId, turnId, completedAtMs: nowMs } });
  }

  #refuse(id, method) {
    const known = this.#entries.some((entry) => entry.kind === "request" && entry.method === method);
    let message = `Invalid request: unknown variant \`${method}\` (not in this recording)`;
    if (known) message = method === "initialize" ? "Already initialized" : `Invalid request: the recording has no further \`${method}\``;
    this.#options.log(message);
    void this.#options.write(JSON.stringify({ id, error: { code: INVALID_REQUEST, message } }));
  }

  /** Waits for the client where the tape has to, and says whether it is the client's time that passed. */
  async #holds(entry) {
    const { autoplay } = this.#options;
    const index = this.#at;
    if (entry.kind === "request") {
      if (entry.method === "initialize" && autoplay) return this.#until(() => this.#claims.has(entry), HANDSHAKE_MS);
      if (!autoplay && !READS.test(entry.method)) return this.#until(() => this.#released >= index);
    }
    if (entry.kind === "answer" && !autoplay) {
      await this.#until(() => this.#clientAnswers.has(entry.id));
      if (REFUSALS.has(this.#clientAnswers.get(entry.id)?.decision) && !REFUSALS.has(entry.decision)) this.#decline(entry);
      return true;
    }
    return false;
  }

  /** Plays on as if the approval that is answered here had been cancelled. */
  #decline({ id }) {
    const asked = this.#entries.find(({ kind, message }) => kind === "say" && message.id === id && APPROVAL.test(message.method));
    if (asked === undefined) return;
    const { itemId, turnId } = asked.message.params;
    const rest = this.#entries.slice(this.#at + 1);
    const isOf = (method, found) => ({ kind, message }) => kind === "say" && message.method === method && found(message.params);
    const item = rest.find(isOf("item/completed", ({ item }) => item.id === itemId));
    const end = rest.findIndex(isOf("turn/completed", ({ turn }) => turn.id === turnId));
    if (item === undefined || end < 0) return;
    const declined = { ...item.message.params.item, status: "declined", aggregatedOutput: null, exitCode: null, durationMs: null };
    const turn = { ...rest[end].message.params.turn, status: "interrupted", items: [] };
    this.#entries.splice(
      this.#at + 1,
      end + 1,
      ...rest.slice(0, end).filter(isOf("serverRequest/resolved", ({ requestId }) => requestId === id)),
      withParams(item, { item: declined }),
      withParams(rest[end], { turn }),
    );
  }

  async #until(reached, withinMs) {
    let timedOut = false;
    const timeOut = () => {
      timedOut = true;
      this.#wake();
    };
    const timer = withinMs === undefined ? undefined : setTimeout(timeOut, withinMs);
    while (!reached() && !timedOut) await new Promise((wake) => (this.#wake = wake));
    clearTimeout(timer);
    return true;
  }

  #delay(entry, playedMs) {
    const { speed, tokenMs } = this.#options;
    const recordedMs = speed === 0 ? 0 : (entry.tMs - playedMs) / speed;
    const streamed = entry.kind === "say" && STREAMED.test(entry.message.method ?? "");
    return streamed ? Math.max(recordedMs, tokenMs) : recordedMs;
  }

  async #say(entry) {
    const { request, message } = entry;
    if (message.method === "turn/started") this.#running = { threadId: message.params.threadId, turnId: message.params.turn.id };
    if (message.method === "turn/completed") this.#running = undefined;
    if (!request) return this.#options.write(entry.line);
    const claim = this.#claims.get(request);
    if (claim) {
      if (claim.answered) return;
      claim.answered = true;
      return this.#respond(entry, claim.id);
    }
    this.#passed.add(entry);
    if (this.#options.autoplay && !this.#clientIds.has(request.id)) {
      await this.#options.write(entry.line);
    }
  }

  #respond({ message, line }, id) {
    return this.#options.write(message.id === id ? line : JSON.stringify({ ...message, id }));
  }
}

/** The words of what is said to a turn. */
function textOf(input = []) {
  return input.map(({ text = "" }) => text).join("\n");
}

/** Input as codex gives it back. */
function contentOf(input) {
  return input.map((one) => (one.type === "text" ? { text_elements: [], ...one } : one));
}

/** An entry that says something else of what it is about. */
function withParams(entry, params) {
  const message = { ...entry.message, params: { ...entry.message.params, ...params } };
  return { ...entry, message, line: JSON.stringify(message) };
}

function parse(line) {
  try {
    const message = JSON.parse(line);
    return message !== null && typeof message === "object" ? message : undefined;
  } catch {
    return undefined;
  }
}
