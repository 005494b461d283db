import type { ReactNode } from "react";

/** A page, or a part of it, that has nothing else to show. */
export function Notice(props: { title: string; isBusy?: boolean; children?: ReactNode }) {
  return (
    <div className="notice" role="status">
      <span className={props.isBusy === true ? "lamp lamp-waiting" : "lamp"} />
      <h2>{props.title}</h2>
      {props.children !== undefined && <p>{props.children}</p>}
    </div>
  );
}
