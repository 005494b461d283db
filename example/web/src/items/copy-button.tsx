import { useEffect, useState } from "react";

const SAID_MS = 1_600;

/** Puts a text on the clipboard, as it is. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState<"Copied" | "Not copied">();
  useEffect(() => {
    if (said === undefined) return;
    const timer = setTimeout(() => setSaid(undefined), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Not copied");
    }
  };
  return (
    <button type="button" className="copy" aria-label={label} onClick={() => void copy()}>
      <span aria-live="polite">{said ?? "Copy"}</span>
    </button>
  );
}
