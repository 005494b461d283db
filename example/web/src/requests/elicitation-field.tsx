import { useId, type ReactNode } from "react";
import { Visible } from "../items/visible.js";
import type { Field, Option, Value } from "./elicitation.js";

export interface ElicitationFieldProps {
  field: Field;
  value: Value;
  /** What is wrong with the value, in words. */
  wrong: string | undefined;
  isDisabled: boolean;
  onChange: (value: Value) => void;
}

/** A field of a form that an MCP server made. Its fields are called by their place: a name is the server's to choose. */
export function ElicitationField({ field, value, wrong, isDisabled, onChange }: ElicitationFieldProps) {
  const id = useId();
  const wrongId = `${id}wrong`;
  const described = { "aria-describedby": wrong === undefined ? undefined : wrongId };
  const said = <Said field={field} />;
  return (
    <fieldset className="question field" disabled={isDisabled}>
      <legend>{field.type === "boolean" ? <Visible text={field.label} /> : said}</legend>
      {field.type === "boolean" && (
        <Choice type="checkbox" isChecked={value === true} onChoose={(isChosen) => onChange(isChosen)}>
          {field.description === undefined || field.description === "" ? "Yes" : <Visible text={field.description} />}
        </Choice>
      )}
      {field.type === "choice" && (
        <>
          {field.options.map((option, at) => (
            <Choice key={at} type="radio" name={id} isChecked={value === option.value} onChoose={() => onChange(option.value)} {...described}>
              <Visible text={option.label} />
            </Choice>
          ))}
          {!field.isRequired && (
            <Choice type="radio" name={id} isChecked={value === undefined} onChoose={() => onChange(undefined)}>
              No answer
            </Choice>
          )}
        </>
      )}
      {field.type === "choices" &&
        field.options.map((option, at) => (
          <Choice
            key={at}
            type="checkbox"
            isChecked={chosenOf(value).includes(option.value)}
            onChoose={(isChosen) => onChange(withChoice(field.options, chosenOf(value), option.value, isChosen))}
            {...described}
          >
            <Visible text={option.label} />
          </Choice>
        ))}
      {(field.type === "text" || field.type === "number" || field.type === "integer") && (
        <input
          type="text"
          inputMode={field.type === "text" ? KEYBOARDS[field.format ?? "text"] : "decimal"}
          placeholder={field.type === "text" ? EXAMPLES[field.format ?? "text"] : undefined}
          aria-label={field.label}
          aria-required={field.isRequired}
          aria-invalid={wrong !== undefined}
          autoComplete="off"
          value={typeof value === "string" ? value : ""}
          onChange={(event) => onChange(event.currentTarget.value)}
          {...described}
        />
      )}
      {wrong !== undefined && (
        <p className="wrong" id={wrongId}>
          {wrong}
        </p>
      )}
    </fieldset>
  );
}

const KEYBOARDS = { text: "text", email: "email", uri: "url", date: "text", "date-time": "text" } as const;
const EXAMPLES = { text: undefined, email: undefined, uri: "https://…", date: "2026-11-27", "date-time": "2026-11-27T18:15:00Z" } as const;

function Said({ field: { label, description, isRequired } }: { field: Field }) {
  return (
    <>
      <Visible text={label} />
      {!isRequired && <small> (can be left out)</small>}
      {description !== undefined && description !== "" && (
        <small className="hint">
          <Visible text={description} />
        </small>
      )}
    </>
  );
}

interface ChoiceProps {
  type: "radio" | "checkbox";
  name?: string;
  isChecked: boolean;
  onChoose: (isChosen: boolean) => void;
  children: ReactNode;
}

function Choice({ type, name, isChecked, onChoose, children, ...described }: ChoiceProps) {
  return (
    <label className="option">
      <input type={type} name={name} checked={isChecked} onChange={(event) => onChoose(event.currentTarget.checked)} {...described} />
      <span>{children}</span>
    </label>
  );
}

function chosenOf(value: Value): readonly string[] {
  return Array.isArray(value) ? value : [];
}

/** The choices in the order in which they are offered. */
function withChoice(options: readonly Option[], chosen: readonly string[], value: string, isChosen: boolean): string[] {
  return options.map((option) => option.value).filter((one) => (one === value ? isChosen : chosen.includes(one)));
}
