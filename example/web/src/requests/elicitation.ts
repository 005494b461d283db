import { fields as fieldsOf, listOf, numberOf, stringOf, type Fields } from "../payload.js";

/** A choice: what is answered, and what it is called. */
export interface Option {
  value: string;
  label: string;
}

interface Named {
  /** The property that it fills: an MCP server chose it. */
  name: string;
  label: string;
  description: string | undefined;
  isRequired: boolean;
}

/** Something that an MCP server wants to be told. */
export type Field = Named &
  (
    | { type: "text"; format: TextFormat | undefined; min: number | undefined; max: number | undefined; initial: string }
    | { type: "number" | "integer"; min: number | undefined; max: number | undefined; initial: string }
    | { type: "boolean"; initial: boolean }
    | { type: "choice"; options: Option[]; initial: string | undefined }
    | { type: "choices"; options: Option[]; min: number | undefined; max: number | undefined; initial: string[] }
  );

/** SOURCE: MCP 2025-11-25, `StringSchema`. */
type TextFormat = "email" | "uri" | "date" | "date-time";

/** What is filled in: a text or a number as it is written, one choice or none, several choices. */
export type Value = string | boolean | string[] | undefined;

/** What an answer holds. */
export type Content = Record<string, string | number | boolean | string[]>;

/**
 * Reads what an MCP server asks to be filled in.
 *
 * @param requestedSchema a schema of the MCP's restricted kind: an object of texts, numbers, yes or no, and choices
 * @returns a field for each property; undefined where one of them is of no kind that the MCP knows, or required and not there: no answer
 *   could be trusted to be what is asked
 */
export function readFields(requestedSchema: unknown): Field[] | undefined {
  const { type, properties, required = [] } = fieldsOf(requestedSchema);
  if (type !== "object" || typeof properties !== "object" || properties === null || !Array.isArray(required)) return undefined;
  if (required.some((name) => typeof name !== "string" || !Object.hasOwn(properties, name))) return undefined;
  const read = Object.entries(properties).map(([name, schema]) => readField(name, fieldsOf(schema), required.includes(name)));
  const known = read.filter((field) => field !== undefined);
  return known.length === read.length ? known : undefined;
}

function readField(name: string, schema: Fields, isRequired: boolean): Field | undefined {
  const title = stringOf(schema["title"]);
  const label = title === undefined || title === "" ? name : title;
  const named = { name, label, description: stringOf(schema["description"]), isRequired };
  const initial = schema["default"];
  switch (schema["type"]) {
    case "boolean":
      return { ...named, type: "boolean", initial: initial === true };
    case "number":
    case "integer":
      return {
        ...named,
        type: schema["type"],
        min: numberOf(schema["minimum"]),
        max: numberOf(schema["maximum"]),
        initial: typeof initial === "number" ? String(initial) : "",
      };
    case "string": {
      if (schema["enum"] === undefined && schema["oneOf"] === undefined) return readText(named, schema);
      const options = readOptions(schema);
      const chosen = options?.find(({ value }) => value === initial)?.value;
      return options && { ...named, type: "choice", options, initial: chosen };
    }
    case "array": {
      const options = readOptions(fieldsOf(schema["items"]));
      const given: unknown[] = Array.isArray(initial) ? initial : [];
      return (
        options && {
          ...named,
          type: "choices",
          options,
          min: numberOf(schema["minItems"]),
          max: numberOf(schema["maxItems"]),
          initial: options.filter(({ value }) => given.includes(value)).map(({ value }) => value),
        }
      );
    }
    default:
      return undefined;
  }
}

const FORMATS: readonly unknown[] = ["email", "uri", "date", "date-time"] satisfies TextFormat[];

/** A format that the MCP does not know is text: the server judges it. */
function readText(named: Named, schema: Fields): Field {
  const { format, minLength, maxLength, default: initial } = schema;
  return {
    ...named,
    type: "text",
    format: FORMATS.includes(format) ? (format as TextFormat) : undefined,
    min: numberOf(minLength),
    max: numberOf(maxLength),
    initial: stringOf(initial) ?? "",
  };
}

function readOptions({ enum: values, enumNames, oneOf, anyOf }: Fields): Option[] | undefined {
  if (Array.isArray(values)) {
    const names: unknown[] = Array.isArray(enumNames) ? enumNames : [];
    const options = values.map((value, at) => ({ value: value as unknown, label: stringOf(names[at]) ?? value as unknown }));
    return options.every(isOption) ? options : undefined;
  }
  const options = listOf(oneOf ?? anyOf).map(({ const: value, title }) => ({ value, label: stringOf(title) ?? value }));
  return options.length > 0 && options.every(isOption) ? options : undefined;
}

function isOption(option: { value: unknown; label: unknown }): option is Option {
  return typeof option.value === "string" && typeof option.label === "string";
}

/**
 * Says what is wrong with a value, in words; undefined where nothing is.
 *
 * @param value as it was filled in
 */
export function whatIsWrong(field: Field, value: Value): string | undefined {
  switch (field.type) {
    case "boolean":
      return undefined;
    case "choice":
      return value === undefined && field.isRequired ? "Choose one." : undefined;
    case "choices": {
      const { length } = Array.isArray(value) ? value : [];
      if (length === 0) return field.isRequired ? "Choose at least one." : undefined;
      if (field.min !== undefined && length < field.min) return `Choose at least ${field.min}.`;
      return field.max !== undefined && length > field.max ? `Choose ${field.max} at most.` : undefined;
    }
    default: {
      const written = typeof value === "string" ? value : "";
      if (written.trim() === "") return field.isRequired ? "This is asked for." : undefined;
      return field.type === "text" ? whatIsWrongWithText(field, written) : whatIsWrongWithNumber(field, written.trim());
    }
  }
}

function whatIsWrongWithText({ format, min, max }: Field & { type: "text" }, text: string): string | undefined {
  // Characters, not UTF-16 units. SOURCE: JSON Schema, `minLength`.
  const { length } = Array.from(text);
  if (min !== undefined && length < min) return `It takes at least ${count(min, "character")}.`;
  if (max !== undefined && length > max) return `It takes ${count(max, "character")} at most: these are ${length}.`;
  switch (format) {
    case "email":
      return /^[^\s@]+@[^\s@]+$/.test(text) ? undefined : "This is no e-mail address.";
    case "uri":
      return URL.canParse(text) ? undefined : "This is no address: it begins as https:// does.";
    case "date":
      return isDate(text) ? undefined : "This is no date: it is written as 2026-11-27 is.";
    case "date-time":
      return isTime(text) ? undefined : "This is no date with a time and its zone: it is written as 2026-11-27T18:15:00Z is.";
    case undefined:
      return undefined;
  }
}

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

function whatIsWrongWithNumber({ type, min, max }: Field & { type: "number" | "integer" }, written: string): string | undefined {
  const number = Number(written);
  if (!NUMBER.test(written) || !Number.isFinite(number)) return "This is no number.";
  if (type === "integer" && !Number.isSafeInteger(number)) return "This is no whole number.";
  if (min !== undefined && number < min) return `It is ${min} at least.`;
  return max !== undefined && number > max ? `It is ${max} at most.` : undefined;
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

/** The 30th of February is none. */
function isDate(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  return time !== undefined && !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text);
}

/** SOURCE: RFC 3339, `date-time`. */
const TIME = /^(\d{4}-\d\d-\d\d)[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

function isTime(text: string): boolean {
  const [, day] = TIME.exec(text) ?? [];
  return day !== undefined && isDate(day) && !Number.isNaN(Date.parse(text));
}

/**
 * What is answered. What was left empty is left out.
 *
 * @param values by the place of their fields; nothing is wrong with them
 */
export function contentOf(fields: readonly Field[], values: readonly Value[]): Content {
  const given = fields.flatMap(({ name, type }, at): [string, Content[string]][] => {
    const value = values[at];
    if (value === undefined) return [];
    if (type === "number" || type === "integer") return String(value).trim() === "" ? [] : [[name, Number(value)]];
    if (typeof value === "string") return value.trim() === "" ? [] : [[name, value.toWellFormed()]];
    if (Array.isArray(value)) return value.length === 0 ? [] : [[name, value]];
    return [[name, value]];
  });
  return Object.fromEntries(given);
}
