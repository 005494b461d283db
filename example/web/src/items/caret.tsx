/** Where the text is being written. */
export function Caret() {
  return <span className="caret" aria-hidden="true" />;
}
