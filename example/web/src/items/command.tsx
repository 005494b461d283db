import { useMemo, useState } from "react";
import type { Fields } from "../payload.js";
import { numberOf, readCommand, readItem, stringOf } from "../payload.js";
import type { ItemProps } from "./item.js";
import { Output } from "./output.js";
import { Status } from "./status.js";
import { TooLarge } from "./too-large.js";
import { Visible } from "./visible.js";

/** A longer command is folded, in UTF-16 units and in lines. */
const SHOWN_UNITS = 1_200;
const SHOWN_LINES = 12;

export function CommandItem({ message }: ItemProps) {
  const { payloadJson, status, text, output } = message;
  const item = useMemo(() => readItem(payloadJson), [payloadJson]);
  const command = text === "" ? (stringOf(item["command"]) ?? "") : text;
  const { line, shell } = useMemo(() => readCommand(command), [command]);
  const cwd = stringOf(item["cwd"]);
  const printed = (whole: Fields) => stringOf(whole["aggregatedOutput"]) ?? "";
  return (
    <div className="box command">
      <div className="box-head">
        <span className="glyph" aria-hidden="true">
          $
        </span>
        <CommandLine line={line} />
        <Status
          status={status}
          isDeclined={item["status"] === "declined"}
          exitCode={numberOf(item["exitCode"])}
          durationMs={numberOf(item["durationMs"])}
        />
      </div>
      {(cwd !== undefined || shell !== undefined) && (
        <p className="box-place">
          {cwd !== undefined && (
            <>
              in <Visible text={cwd} />
            </>
          )}
          {shell !== undefined && (
            <span>
              {" by "}
              <Visible text={shell} />
            </span>
          )}
        </p>
      )}
      <Output output={output ?? printed(item)} isLive={output !== undefined && status === "streaming"} />
      {message.payloadTruncated === true && (
        <TooLarge
          message={message}
          label="Output"
          draw={(whole) => <Output output={printed(whole)} />}
        />
      )}
    </div>
  );
}

/** All of a command, a long one after a click. */
function CommandLine({ line }: { line: string }) {
  const [isWhole, setIsWhole] = useState(false);
  const lines = line.split("\n", SHOWN_LINES + 1);
  const head = lines.slice(0, SHOWN_LINES).join("\n").slice(0, SHOWN_UNITS);
  const isLong = head.length < line.length;
  return (
    <div className="line">
      <code>
        <Visible text={isWhole ? line : head} />
      </code>
      {isLong && (
        <button
          type="button"
          className="more"
          aria-expanded={isWhole}
          onClick={() => setIsWhole(!isWhole)}
        >
          {isWhole
            ? "Fold the command"
            : `… ${(line.length - head.length).toLocaleString()} more characters`}
        </button>
      )}
    </div>
  );
}
