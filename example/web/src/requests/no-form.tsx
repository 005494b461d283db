import { Visible } from "../items/visible.js";
import { setOut, type Fields } from "../payload.js";

/** What is asked, as it came. @param instead what can be done, for want of a form */
export function NoForm({ params, instead }: { params: Fields; instead: string }) {
  return (
    <>
      <details>
        <summary>All of it</summary>
        <pre className="request-command">
          <Visible text={setOut(params) ?? "It is nested too deep to be written."} />
        </pre>
      </details>
      <p className="aside">This page has no form for it: {instead}.</p>
    </>
  );
}
