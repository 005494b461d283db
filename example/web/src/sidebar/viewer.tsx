import { api } from "../api.js";
import { failureWords } from "../failure.js";
import { useAnswer } from "../use-answer.js";

/** Whom the deployment takes the visitor for. */
export function Viewer() {
  const { data: viewer, error } = useAnswer(api.viewer.viewer, {});
  if (error !== undefined) return <p className="viewer">Who is signed in could not be read. {failureWords(error)}</p>;
  if (viewer === undefined) return null;
  return (
    <p className="viewer">
      {viewer === null ? (
        "Nobody is signed in."
      ) : viewer.isDemo ? (
        <>
          <b>Demo identity.</b> Whoever has this page’s address is signed in as “{viewer.name}”, and
          can steer the machines above.
        </>
      ) : (
        <>Signed in as {viewer.name}</>
      )}
    </p>
  );
}
