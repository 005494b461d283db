// Messages that grow, on a terminal that only goes forward: each is written as it comes, the next one once it has ended.

const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g;
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;
const SHELL = /^\S*sh -l?c (['"])([\s\S]*)\1$/;
const OUTPUT_LINES_MAX = 20;
const STYLE = process.stdout.isTTY && !process.env.NO_COLOR
  ? { dim: "\u001b[2m", bold: "\u001b[1m", green: "\u001b[32m", red: "\u001b[31m", off: "\u001b[0m" }
  : { dim: "", bold: "", green: "", red: "", off: "" };

/** What Codex prints, a repository may have written: nothing of it steers the terminal. */
const plain = (text) => text.replace(ESCAPES, "").replace(CONTROLS, "");

export class Transcript {
  #messages = [];
  /** How many messages are written to their end, and how much of the next one is. */
  #ended = 0;
  #written = "";

  constructor(write) {
    this.write = write;
  }

  /** Nothing that was seen is still to be written. */
  get isEnded() {
    return this.#messages.length > 0 && this.#ended === this.#messages.length;
  }

  /** @param {object[]} messages of the thread, oldest first: those written before come first, in the same order */
  update(messages) {
    this.#messages = messages;
    while (this.#ended < messages.length) {
      const message = messages[this.#ended];
      this.#grow(render(message));
      if (message.status === "streaming") return;
      this.write(`${STYLE.off}\n\n`);
      this.#ended += 1;
      this.#written = "";
    }
  }

  #grow(text) {
    if (text.startsWith(this.#written)) this.write(text.slice(this.#written.length));
    else this.write(`${STYLE.off}\n${text}`); // it was put right after the fact: once more
    this.#written = text;
  }
}

function render(message) {
  const { role, sourceItemType, text } = message;
  if (role === "user") return `${STYLE.bold}> ${plain(text)}`;
  switch (sourceItemType) {
    case "reasoning":
      return `${STYLE.dim}${plain(text)}`;
    case "commandExecution":
      return `${STYLE.bold}$ ${plain(bareCommand(text))}${STYLE.off}${renderOutput(message)}`;
    case "fileChange":
      return message.status === "streaming" ? `${STYLE.bold}~ ${plain(text)}${STYLE.off}` : renderChange(message);
    default:
      return plain(text);
  }
}

const bareCommand = (command) => SHELL.exec(command)?.[2] ?? command;

function renderOutput(message) {
  // While it runs, the app-server leaves out what came before somebody listened: shown whole, at the end.
  const item = itemOf(message);
  if (message.payloadTruncated) return `\n  ${tooLarge(item)}`;
  const output = item.aggregatedOutput ?? "";
  if (message.status === "streaming" || output === "") return "";
  const lines = plain(output).replace(/\n$/, "").split("\n");
  const shown = lines.slice(0, OUTPUT_LINES_MAX);
  const more = lines.length > shown.length ? [`… ${lines.length - shown.length} more lines`] : [];
  return ["", ...shown, ...more].join("\n  ");
}

function renderChange(message) {
  const item = itemOf(message);
  const changes = item.changes ?? [];
  const diff = changes.flatMap(({ diff = "" }) => plain(diff).replace(/\n$/, "").split("\n")).map((line) => `\n  ${coloured(line)}`);
  return `${STYLE.bold}~ ${plain(message.text)}${STYLE.off} (${message.status})${message.payloadTruncated ? `\n  ${tooLarge(item)}` : diff.join("")}`;
}

function coloured(line) {
  const colour = line.startsWith("+") ? STYLE.green : line.startsWith("-") ? STYLE.red : STYLE.dim;
  return `${colour}${line}${STYLE.off}`;
}

/** What is said in the place of a payload that is too large for a list: its stub holds its length alone. */
const tooLarge = ({ $payload }) => `output too large for a list (${$payload?.units ?? 0} characters)`;

/** The app-server's item, of a payload that holds it as `params.item`, `item`, or by itself. */
function itemOf({ payloadJson }) {
  try {
    const payload = JSON.parse(payloadJson ?? "{}");
    return payload.params?.item ?? payload.item ?? payload;
  } catch {
    return {};
  }
}
