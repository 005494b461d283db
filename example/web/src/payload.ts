/** What came from outside: it is looked at, never trusted to have a form. */
export type Fields = Record<string, unknown>;

/** The item of a message's payload, for what its text does not say. */
export function readItem(payloadJson: string | undefined): Fields {
  if (payloadJson === undefined) return {};
  try {
    const payload = fields(JSON.parse(payloadJson));
    const inner = fields(payload["params"])["item"] ?? payload["item"];
    return inner === undefined ? payload : fields(inner);
  } catch {
    return {};
  }
}

/** How long a payload is that is too large for a list, in UTF-16 units: its stub holds its length alone. */
export function payloadUnits(payloadJson: string | undefined): number | undefined {
  return numberOf(fields(readItem(payloadJson)["$payload"])["units"]);
}

export function stringOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

export function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

/** What a shell was started for, and the shell. */
export interface Command {
  line: string;
  shell: string | undefined;
}

const SHELL = /^((?:\S*\/)?(?:ba|z|da)?sh -l?c) '([\s\S]*)'$/;

/**
 * Takes a command out of the shell that it was given to. What is shown is what runs: quoted again, it is the same command.
 *
 * ```ts
 * readCommand("/bin/bash -lc 'ls src'"); // { line: "ls src", shell: "/bin/bash -lc" }
 * ```
 *
 * @param command as Codex runs it
 * @returns its line; all of it where it is quoted in another way
 */
export function readCommand(command: string): Command {
  const [, shell, quoted]: (string | undefined)[] = SHELL.exec(command) ?? [];
  if (quoted !== undefined) {
    for (const quote of [`'\\''`, `'"'"'`]) {
      const line: string = quoted.replaceAll(quote, "'");
      if (line.replaceAll("'", quote) === quoted) return { line, shell };
    }
  }
  return { line: command, shell: undefined };
}

/** Longer values are set over several lines, in characters. */
const LINE_LENGTH_MAX = 80;

/** A value as JSON: on one line where it is short. Undefined where there is none, or it is nested too deep to be written. */
export function jsonOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  try {
    const line = JSON.stringify(value);
    return line.length <= LINE_LENGTH_MAX ? line : setOut(value);
  } catch {
    return undefined;
  }
}

/** How deep a value is nested that is set over several lines: each level is indented by two more. */
const NESTING_MAX = 32;

/** A value as JSON over several lines; on one where it is nested deep, undefined where it is nested too deep to be written. */
export function setOut(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, null, isDeep(value) ? undefined : 2);
  } catch {
    return undefined;
  }
}

function isDeep(value: unknown, levels = NESTING_MAX): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeep(inner, levels - 1));
}

/** What a tool gave back, by its kinds. */
export interface ToolResult {
  text: string | undefined;
  images: string[];
}

/**
 * Reads what a tool gave back: the texts among its parts, the images, and every other part as JSON.
 *
 * @param item of an `mcpToolCall`, a `dynamicToolCall`, an `imageGeneration`, or a call of a kind that is not known
 */
export function readResult(item: Fields): ToolResult {
  if (item["type"] === "imageGeneration") return readPicture(item);
  const result = fields(item["result"]);
  const parts = firstList(result["content"], item["contentItems"], item["output"]);
  const texts = parts.map((part) => (imageOf(part) === undefined ? partText(part) : undefined));
  const error = stringOf(fields(item["error"])["message"]) ?? stringOf(item["error"]);
  const whole =
    parts.length === 0
      ? jsonOf(item["result"] ?? item["output"])
      : jsonOf(result["structuredContent"]);
  const said = stringOf(item["result"]) ?? stringOf(item["output"]);
  const found = [...texts, said ?? whole, error].filter((text) => text !== undefined);
  return {
    text: found.length === 0 ? undefined : found.join("\n"),
    images: parts.map(imageOf).filter((image) => image !== undefined),
  };
}

/** How base64 begins, of the images that are shown. */
const MAGIC = [
  ["iVBORw0KGgo", "image/png"],
  ["/9j/", "image/jpeg"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"],
] as const;

/** A picture that was made is its bytes in base64; where it lies, or why there is none. */
function readPicture(item: Fields): ToolResult {
  const data = stringOf(item["result"]) ?? "";
  const type = MAGIC.find(([begin]) => data.startsWith(begin))?.[1];
  const image = type === undefined ? undefined : imageOf({ mimeType: type, data });
  const said = [stringOf(item["savedPath"]), jsonOf(item["failure"])].filter((text) => text !== undefined);
  return { text: said.length === 0 ? undefined : said.join("\n"), images: image === undefined ? [] : [image] };
}

function firstList(...values: unknown[]): Fields[] {
  return listOf(values.find((value) => Array.isArray(value)));
}

function partText(part: Fields): string | undefined {
  return stringOf(part["text"]) ?? jsonOf(part);
}

/** Images that are part of what came. Those that lie elsewhere are never loaded, and SVG is a document. */
const IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*$/;

/** The image that an input or a part of a result holds, as a data URL. */
export function imageOf(part: Fields): string | undefined {
  const type = stringOf(part["mimeType"]);
  const data = stringOf(part["data"]);
  const url =
    stringOf(part["imageUrl"]) ??
    stringOf(part["image_url"]) ??
    stringOf(part["url"]) ??
    (type === undefined || data === undefined ? undefined : `data:${type};base64,${data}`);
  return url !== undefined && IMAGE.test(url) ? url : undefined;
}
