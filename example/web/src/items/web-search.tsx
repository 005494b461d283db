import { useMemo } from "react";
import { fields, listOf, readItem, stringOf } from "../payload.js";
import type { ItemProps } from "./item.js";
import { Link } from "./link.js";
import { Status } from "./status.js";
import { Visible } from "./visible.js";

/** Results that are listed. */
const RESULTS_MAX = 10;
const UNITS_MAX = 500;

/** What was looked for on the web, or which page of it was opened. */
export function WebSearchItem({ message }: ItemProps) {
  const { payloadJson, status, text } = message;
  const item = useMemo(() => readItem(payloadJson), [payloadJson]);
  const action = fields(item["action"]);
  const type = stringOf(action["type"]);
  const url = stringOf(action["url"])?.slice(0, UNITS_MAX);
  const pattern = stringOf(action["pattern"])?.slice(0, UNITS_MAX);
  const query = (stringOf(action["query"]) ?? text).slice(0, UNITS_MAX);
  const results = listOf(item["results"]).slice(0, RESULTS_MAX);
  return (
    <div className="box">
      <div className="box-head">
        <span className="glyph" aria-hidden="true">
          ◎
        </span>
        <span className="line">
          <span className="kind">{KINDS.get(type ?? "") ?? "Search"}</span>{" "}
          {pattern !== undefined && (
            <>
              “<Visible text={pattern} />” in{" "}
            </>
          )}
          {url === undefined ? <Visible text={query} /> : <Link url={url} text={url} />}
        </span>
        <Status status={status} />
      </div>
      {results.length > 0 && (
        <ul className="results">
          {results.map((result, i) => {
            const address = stringOf(result["url"])?.slice(0, UNITS_MAX) ?? "";
            const title = stringOf(result["title"])?.slice(0, UNITS_MAX) ?? address;
            return (
              <li key={i}>
                <Link url={address} text={title} />
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}

const KINDS = new Map([
  ["openPage", "Page"],
  ["findInPage", "Find"],
]);
