import { useContext, type ReactNode } from "react";
import { failureWords } from "./failure.js";
import { RetryContext } from "./retry.js";

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

export interface FailureProps {
  /** What did not work, without a full stop: "The messages could not be read". */
  title: string;
  error: unknown;
}

/** The same, of something that failed: why, and a way to try it again. */
export function FailureNotice({ title, error }: FailureProps) {
  const retry = useContext(RetryContext);
  return (
    <div className="notice" role="alert">
      <span className="lamp" />
      <h2>{title}</h2>
      <p>{failureWords(error)}</p>
      <button type="button" className="secondary" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

/** The same in a line, beside what could be read. */
export function FailureLine({ title, error }: FailureProps) {
  const retry = useContext(RetryContext);
  return (
    <p className="error" role="alert">
      {title}. {failureWords(error)}{" "}
      <button type="button" className="link-button" onClick={retry}>
        Try again
      </button>
    </p>
  );
}
