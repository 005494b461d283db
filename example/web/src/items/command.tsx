import { useMemo } from "react";
import { bareCommand, numberOf, readItem, stringOf, tooLarge } from "../payload.js";
import type { ItemProps } from "./item.js";
import { Output } from "./output.js";
import { Status } from "./status.js";

export function CommandItem({ message }: ItemProps) {
  const { payloadJson, status, text } = message;
  const item = useMemo(() => readItem(payloadJson), [payloadJson]);
  const command = text === "" ? (stringOf(item["command"]) ?? "") : text;
  const output = message.output ?? stringOf(item["aggregatedOutput"]) ?? "";
  return (
    <div className="box command">
      <div className="box-head">
        <span className="glyph" aria-hidden="true">
          $
        </span>
        <code className="line" title={command}>
          {bareCommand(command)}
        </code>
        <Status
          status={status}
          exitCode={numberOf(item["exitCode"])}
          durationMs={numberOf(item["durationMs"])}
        />
      </div>
      <Output output={output} />
      {message.payloadTruncated === true && <p className="aside">{tooLarge(item)}</p>}
    </div>
  );
}
