// A reader who follows gets rows without the end of their text, and reads that from the streams.
import { describe, expect, it } from "vitest";
import type { CodexDurableMessageLike, CodexOverlay } from "../../js-wrapper/mapping/index.js";
import { codexMessageKey, foldOverlay, mergeCodexMessages, overlayOf } from "../../js-wrapper/mapping/index.js";
import { NO_MESSAGES } from "../../js-wrapper/mapping/merge.js";
import { seededRandom } from "../../tools/embedded-convex/random.mjs";
import { FakeHost } from "./fake-convex.js";

const THREAD = "t";
const STREAM = `${THREAD}:turn:0`;

/** A reader, as the hook is one, of a host whose rows are folded so far as `fold` says. */
class Reader {
  readonly #host: FakeHost;
  overlay: CodexOverlay;
  merged = NO_MESSAGES;
  answers = 0;
  /** How many of the newest rows it has. */
  numItems: number;

  constructor(host: FakeHost, numItems = 30) {
    this.#host = host;
    this.numItems = numItems;
    this.overlay = overlayOf(this.rows);
    this.#merge();
  }

  get rows(): CodexDurableMessageLike[] {
    return this.#host.serve({ threadId: THREAD, paginationOpts: { cursor: null, numItems: this.numItems }, streamArgs: { kind: "followed" } }).page;
  }

  text(messageId: string): string | undefined {
    return this.merged.messages.find((message) => message.messageId === messageId)?.text;
  }

  output(messageId: string): string | undefined {
    return this.merged.messages.find((message) => message.messageId === messageId)?.output;
  }

  /** One answer of the streams' query; whether it brought anything. */
  step(): boolean {
    const { cursors } = this.overlay;
    const { streams } = this.#host.serve({ threadId: THREAD, paginationOpts: { cursor: null, numItems: 0 }, streamArgs: { kind: "deltas", cursors } });
    const next = foldOverlay(this.overlay, cursors, streams, this.rows);
    const isNews = next !== this.overlay;
    this.overlay = next;
    this.answers += 1;
    this.#merge();
    return isNews;
  }

  catchUp(): void {
    let left = 200;
    while (this.step()) {
      left -= 1;
      if (left === 0) throw new Error("it never comes to rest");
    }
  }

  #merge(): void {
    this.merged = mergeCodexMessages(this.rows, this.overlay, this.merged);
  }
}

/** An item that streams, whose text is folded up to `cursor`. */
function open(host: FakeHost, messageId: string, text: string, cursor: number, more: Partial<CodexDurableMessageLike> = {}): void {
  host.put(THREAD, { messageId, status: "streaming", text, orderInTurn: 0, tail: { streamId: STREAM, cursor }, ...more });
}

/** A reader who has read around a hole that is filled now. */
function withHoleFilled(): { host: FakeHost; reader: Reader } {
  const host = new FakeHost();
  open(host, "m", "", 0);
  host.say(THREAD, "m", "a");
  host.lose(THREAD);
  host.say(THREAD, "m", "c");
  const reader = new Reader(host);
  reader.catchUp();
  host.fill(THREAD, "m", "b");
  return { host, reader };
}

describe("a text whose row ends where its tail begins", () => {
  it("goes on from there, and nothing before is read", () => {
    const host = new FakeHost();
    for (const word of ["a", "b", "c", "d"]) host.say(THREAD, "m", word);
    open(host, "m", "abc", 3);
    const reader = new Reader(host);
    expect(reader.overlay.cursors).toEqual([{ streamId: STREAM, cursor: 3 }]);
    reader.catchUp();
    expect(reader.text("m")).toBe("abcd");
    expect(host.runsServed).toBe(1);
    host.say(THREAD, "m", "e");
    reader.catchUp();
    expect(reader.text("m")).toBe("abcde");
  });

  it("stays as it is where its row is folded anew, and is read on", () => {
    const host = new FakeHost();
    for (const word of ["a", "b", "c", "d"]) host.say(THREAD, "m", word);
    open(host, "m", "ab", 2);
    const reader = new Reader(host);
    reader.catchUp();
    const live = reader.overlay.streams.get(STREAM)!.live.get(codexMessageKey("turn", "m"))!.text!;
    open(host, "m", "abcd", 4);
    host.say(THREAD, "m", "e");
    reader.catchUp();
    expect(reader.text("m")).toBe("abcde");
    expect(reader.overlay.streams.get(STREAM)!.live.get(codexMessageKey("turn", "m"))!.text!.origin).toBe(live.origin);
    expect(host.runsServed).toBe(3);
  });

  it("keeps a character whose halves the fold parts", () => {
    const host = new FakeHost();
    host.say(THREAD, "m", "a");
    host.stream(THREAD).runs.push({ streamId: STREAM, turnId: "turn", messageId: "m", channel: "text", cursorStart: 1, cursorEnd: 2, text: "!", leadingLow: 0xde00 });
    host.stream(THREAD).latest = 2;
    open(host, "m", "a", 1, { tail: { streamId: STREAM, cursor: 1, high: 0xd83d } });
    const reader = new Reader(host);
    reader.catchUp();
    expect(reader.text("m")).toBe("a😀!");
  });

  it("is not joined where the row's text is cut off", () => {
    const host = new FakeHost();
    for (const word of ["a", "b", "c"]) host.say(THREAD, "m", word);
    open(host, "m", "a", 2, { textTruncated: true, textBytes: 2 });
    const reader = new Reader(host);
    reader.catchUp();
    expect(reader.merged.messages).toMatchObject([{ text: "abc" }]);
    // Nor beside another, which alone would be read from its own tail.
    open(host, "n", "", 2, { orderInTurn: 2 });
    const beside = new Reader(host);
    beside.catchUp();
    expect(beside.text("m")).toBe("abc");
    // From elsewhere than its beginning it would have a gap.
    const late = new Reader(host);
    host.stream(THREAD).keptFrom = 2;
    late.catchUp();
    expect(late.merged.messages).toMatchObject([{ text: "a", textTruncated: true }, {}]);
  });

  it("is read anew where it turns out to begin earlier", () => {
    const host = new FakeHost();
    for (const word of ["a", "b", "c"]) host.say(THREAD, "m", word);
    open(host, "m", "b", 2, { orderInTurn: 1 });
    const reader = new Reader(host);
    reader.catchUp();
    expect(reader.text("m")).toBe("bc");
    open(host, "m", "", 0, { orderInTurn: 0 });
    reader.catchUp();
    expect(reader.text("m")).toBe("abc");
  });

  it("is read anew from its row where that has words which no event brought", () => {
    const host = new FakeHost();
    host.say(THREAD, "other", "x");
    const reader = new Reader(host);
    reader.catchUp();
    host.say(THREAD, "m", "lo");
    open(host, "m", "Hel", 1, { orderInTurn: 1 });
    reader.catchUp();
    expect(reader.text("m")).toBe("Hello");
    host.say(THREAD, "m", ".");
    reader.catchUp();
    expect(reader.text("m")).toBe("Hello.");
  });

  it("has what a hole held once its row has it, and goes on", () => {
    const host = new FakeHost();
    host.say(THREAD, "m", "a");
    open(host, "m", "", 0);
    const reader = new Reader(host);
    reader.catchUp();
    // "b" is not there yet.
    host.stream(THREAD).latest = 2;
    host.say(THREAD, "m", "c");
    reader.catchUp();
    expect(reader.text("m")).toBe("ac");
    open(host, "m", "abc", 3);
    host.say(THREAD, "m", "d");
    reader.catchUp();
    expect(reader.text("m")).toBe("abcd");
  });

  it("has what filled a hole as soon as it has come, and loses no word meanwhile", () => {
    const host = new FakeHost();
    host.say(THREAD, "m", "a");
    open(host, "m", "", 0);
    const reader = new Reader(host);
    host.lose(THREAD, 2);
    host.say(THREAD, "m", "d");
    reader.catchUp();
    expect(reader.text("m")).toBe("ad");
    const shown = new Set<string | undefined>();
    const watch = () => {
      while (reader.step()) shown.add(reader.text("m"));
    };
    host.fill(THREAD, "m", "b");
    host.say(THREAD, "m", "e");
    watch();
    expect([...shown]).toEqual(["ade", "abde"]);
    shown.clear();
    host.fill(THREAD, "m", "c");
    watch();
    expect([...shown]).toEqual(["abde", "abcde"]);
    // A hole that is given up is a hole no more, and nothing else.
    host.lose(THREAD);
    host.say(THREAD, "m", "f");
    reader.catchUp();
    host.stream(THREAD).holes = [];
    reader.catchUp();
    expect(reader.text("m")).toBe("abcdef");
    const served = host.runsServed;
    host.say(THREAD, "m", "g");
    reader.catchUp();
    expect([reader.text("m"), host.runsServed - served]).toEqual(["abcdefg", 1]);
  });

  it("is read on from before a hole, and what was read stays: also where a page is opened then", () => {
    const host = new FakeHost();
    host.say(THREAD, "m", "a");
    open(host, "m", "a", 1);
    const reader = new Reader(host);
    reader.catchUp();
    host.lose(THREAD, 2);
    host.say(THREAD, "m", "d");
    reader.catchUp();
    const late = new Reader(host);
    late.catchUp();
    expect([reader.text("m"), late.text("m")]).toEqual(["ad", "ad"]);
    host.fill(THREAD, "m", "b");
    for (const one of [reader, late]) one.catchUp();
    expect([reader.text("m"), late.text("m")]).toEqual(["abd", "abd"]);
  });

  it("is not read for ever where its stream is gone before it is read again", () => {
    const { host, reader } = withHoleFilled();
    reader.step();
    Object.assign(host.stream(THREAD), { latest: 0, runs: [], state: "finished" });
    reader.catchUp();
    expect(reader.overlay.streams.size).toBe(0);
  });

  it("has what filled a hole before its stream is left", () => {
    const { host, reader } = withHoleFilled();
    host.stream(THREAD).state = "finished";
    reader.step();
    reader.step();
    expect(reader.text("m")).toBe("abc");
    reader.catchUp();
    expect(reader.overlay.streams.size).toBe(0);
  });

  it("is folded while what filled a hole is read: it is whole all the same", () => {
    const { host, reader } = withHoleFilled();
    reader.step();
    expect(reader.text("m")).toBe("ac");
    open(host, "m", "abc", 3);
    host.say(THREAD, "m", "d");
    reader.catchUp();
    expect(reader.text("m")).toBe("abcd");
  });

  it("is not that of an earlier use of its id, from which it was parted", () => {
    const host = new FakeHost();
    host.say(THREAD, "m", "old");
    open(host, "m", "", 0);
    const reader = new Reader(host);
    reader.catchUp();
    host.say(THREAD, "m", "new");
    open(host, "m", "", 1, { orderInTurn: 1 });
    reader.catchUp();
    expect(reader.text("m")).toBe("new");
  });

  it("stays where it reads as stopped before the server has said so", () => {
    const host = new FakeHost();
    for (const word of ["a", "b"]) host.say(THREAD, "m", word);
    open(host, "m", "", 0);
    const reader = new Reader(host);
    reader.catchUp();
    host.put(THREAD, { messageId: "m", status: "interrupted" });
    reader.step();
    expect(reader.merged.messages).toMatchObject([{ status: "interrupted", text: "ab" }]);
  });

  it("goes on after a loss, from where its row ends", () => {
    const host = new FakeHost();
    for (const word of ["a", "b"]) host.say(THREAD, "m", word);
    open(host, "m", "", 0);
    const reader = new Reader(host);
    reader.catchUp();
    for (const word of ["c", "d", "e"]) host.say(THREAD, "m", word);
    host.stream(THREAD).keptFrom = 3;
    open(host, "m", "abcd", 4);
    reader.catchUp();
    expect(reader.text("m")).toBe("abcde");
  });

  it("is as its row has it where what follows can be read no more", () => {
    const host = new FakeHost();
    for (const word of ["a", "b", "c"]) host.say(THREAD, "m", word);
    open(host, "m", "a", 1);
    host.stream(THREAD).keptFrom = 2;
    const reader = new Reader(host);
    reader.catchUp();
    expect(reader.text("m")).toBe("a");
  });

  it("an older one that is loaded later is read from its own tail, and no other goes back", () => {
    const host = new FakeHost();
    open(host, "command", "", 0);
    host.say(THREAD, "command", "x", "output");
    open(host, "m", "ab", 3, { orderInTurn: 1 });
    for (const word of ["a", "b", "c"]) host.say(THREAD, "m", word);
    host.say(THREAD, "command", "y", "output");
    const reader = new Reader(host, 1);
    expect(reader.overlay.cursors).toEqual([{ streamId: STREAM, cursor: 3 }]);
    reader.catchUp();
    expect(reader.text("m")).toBe("abc");
    reader.numItems = 2;
    while (reader.step()) expect(reader.text("m")).toBe("abc");
    expect(reader.output("command")).toBe("xy");
  });
});

it("1,000 threads at random: no word that is shown is lost, and in the end all is what was said", { timeout: 60_000 }, () => {
  let [fills, folds] = [0, 0];
  for (let seed = 1; seed <= 1_000; seed += 1) {
    const below = seededRandom(seed);
    const random = (count: number) => Math.floor(below() * count);
    const host = new FakeHost();
    /** What was said of each message, by the cursors behind it: in their order, with what came late. */
    const said = new Map<string, { words: Map<number, string>; output: string; start: number; folded: number }>();
    const textOf = (id: string, end = Infinity) => {
      const words = [...said.get(id)!.words].filter(([cursor]) => cursor <= end).sort(([a], [b]) => a - b);
      return words.map(([, word]) => word).join("");
    };
    /** The words that have not come, in the order of the holes. */
    const lost: { id: string; word: string }[] = [];
    const readers: Reader[] = [];
    const shown = new Map<Reader, Map<string, string>>();
    let isFilled = false;
    const look = (reader: Reader) => {
      // One that left the page comes anew.
      const now = new Map(reader.merged.messages.map(({ messageId, text }) => [messageId, text]));
      for (const [messageId, text] of now) {
        const was = shown.get(reader)?.get(messageId) ?? "";
        // A fold that has what came late contradicts what was read without it: what lies behind is read anew.
        const isFold = isFilled && reader.rows.some((row) => row.messageId === messageId && row.text === text);
        if (isFilled ? !isFold && !hasAllWords(text, was) : !text.startsWith(was)) throw new Error(`seed ${seed}: ${messageId} goes back from ${was} to ${text}`);
      }
      shown.set(reader, now);
    };
    for (let step = 0; step < 60; step += 1) {
      const ids = [...said.keys()].filter((id) => host.rows.get(THREAD)?.find(({ messageId }) => messageId === id)?.status === "streaming");
      const id = ids[random(ids.length)];
      const kind = random(11);
      if (kind === 0 || id === undefined) {
        const start = host.stream(THREAD).latest;
        const name = `m${said.size}`;
        said.set(name, { words: new Map(), output: "", start, folded: start });
        open(host, name, "", start, { orderInTurn: start });
      } else if (kind <= 4) {
        const word = `${step},`;
        const item = said.get(id)!;
        const channel = random(5) === 0 ? "output" : "text";
        host.say(THREAD, id, word, channel);
        if (channel === "output") item.output += word;
        else item.words.set(host.stream(THREAD).latest, word);
      } else if (kind === 5) {
        const item = said.get(id)!;
        const cursors = [...item.words.keys()];
        const cursor = cursors[random(cursors.length)];
        const isHeldBack = cursor === undefined || host.stream(THREAD).holes.some(({ cursorStart }) => cursorStart >= item.folded && cursorStart < cursor);
        // Of a command's output nothing is folded.
        if (isHeldBack || cursor < item.folded || item.output !== "") continue;
        item.folded = cursor;
        folds += 1;
        open(host, id, textOf(id, cursor), cursor, { orderInTurn: item.start });
      } else if (kind === 6 && random(3) === 0) {
        host.put(THREAD, { messageId: id, status: "completed", text: textOf(id), tail: undefined });
      } else if (kind === 7) readers.push(new Reader(host, 1 + random(4)));
      else if (kind === 8 && host.stream(THREAD).holes.at(-1)?.cursorEnd !== host.stream(THREAD).latest) {
        host.lose(THREAD);
        lost.push({ id, word: `late ${step},` });
      } else if (kind === 9 && lost.length > 0) {
        const at = random(lost.length);
        const [{ id: of, word }] = lost.splice(at, 1) as [(typeof lost)[number]];
        // What has ended says all there is.
        if (!ids.includes(of)) {
          host.stream(THREAD).holes.splice(at, 1);
          continue;
        }
        said.get(of)!.words.set(host.stream(THREAD).holes[at]!.cursorEnd, word);
        host.fill(THREAD, of, word, at);
        isFilled = true;
        fills += 1;
      } else {
        const reader = readers[random(readers.length)];
        if (reader === undefined) continue;
        if (random(4) === 0) reader.numItems += 1;
        reader.step();
        look(reader);
      }
    }
    for (const reader of readers) {
      reader.catchUp();
      look(reader);
      for (const { messageId, text, output, status } of reader.merged.messages) {
        const item = said.get(messageId)!;
        expect([seed, messageId, text]).toEqual([seed, messageId, textOf(messageId)]);
        if (status === "streaming" && item.output !== "") expect([seed, messageId, output]).toEqual([seed, messageId, item.output]);
      }
    }
  }
  expect(fills).toBeGreaterThan(1_000);
  expect(folds).toBeGreaterThan(1_000);
});

/** Whether the words of `before` are still there, in their order. */
function hasAllWords(text: string, before: string): boolean {
  const words = text.split(",");
  let at = -1;
  return before.split(",").slice(0, -1).every((word) => (at = words.indexOf(word, at + 1)) >= 0);
}
