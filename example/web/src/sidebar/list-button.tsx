import type { Ref } from "react";

/** The list of threads and machines, where that is a drawer: on a phone. */
export interface Drawer {
  isOpen: boolean;
  /** How many things other threads than the one that is shown wait for a person with. */
  askingElsewhere: number;
  /** The button that opens it; the focus comes back to it. */
  button: Ref<HTMLButtonElement>;
  toggle: () => void;
}

export const SIDEBAR_ID = "threads-and-machines";

/** Opens the list, and says whether something waits behind it. */
export function ListButton({ isOpen, askingElsewhere, button, toggle }: Drawer) {
  const label = "Threads and machines";
  return (
    <button
      ref={button}
      type="button"
      className="list-button"
      aria-label={askingElsewhere > 0 ? `${label}: other threads ask you (${askingElsewhere})` : label}
      aria-expanded={isOpen}
      aria-controls={SIDEBAR_ID}
      onClick={toggle}
    >
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <path d="M3 5.5h14M3 10h14M3 14.5h9" />
      </svg>
      {askingElsewhere > 0 && (
        <span className="badge" aria-hidden="true">
          {askingElsewhere}
        </span>
      )}
    </button>
  );
}
