import { useQuery } from "convex/react";
import { api } from "../api.js";

/** Whom the deployment takes the visitor for. */
export function Viewer() {
  const viewer = useQuery(api.viewer.viewer);
  if (viewer === undefined) return null;
  return (
    <p className="viewer">
      {viewer === null ? (
        "Nobody is signed in."
      ) : viewer.isDemo ? (
        <>
          <b>Demo identity.</b> Whoever has this page’s address is signed in as “{viewer.name}”, and
          can steer the machine below.
        </>
      ) : (
        <>Signed in as {viewer.name}</>
      )}
    </p>
  );
}
