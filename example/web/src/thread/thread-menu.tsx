import { useMutation } from "convex/react";
import { useId, useRef, useState, type SyntheticEvent } from "react";
import { api } from "../api.js";
import { failureWords } from "../failure.js";
import { useAttempt } from "../use-attempt.js";
import { GRACE_MS, type Deletion } from "./deletion.js";

const MINUTE_MS = 60_000;

export interface ThreadMenuProps {
  threadId: string;
  /** What it is called where it has no name. */
  title: string;
  name: string | undefined;
  isArchived: boolean;
  deletion: Deletion;
}

/** A button that opens what can be done with a thread as a whole. */
export function ThreadMenu(props: ThreadMenuProps) {
  const id = useId();
  const panel = useRef<HTMLElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        className="pill-button"
        aria-label="Name, archive, delete"
        title="Name, archive, delete"
        popoverTarget={id}
        aria-expanded={isOpen}
      >
        <span aria-hidden="true">⋯</span>
      </button>
      <section
        id={id}
        ref={panel}
        className="thread-menu"
        popover="auto"
        aria-label="This thread"
        onToggle={({ newState }) => setIsOpen(newState === "open")}
      >
        {isOpen && <Choices {...props} onDone={() => panel.current?.hidePopover()} />}
      </section>
    </>
  );
}

function Choices({ threadId, title, name = "", isArchived, deletion, onDone }: ThreadMenuProps & { onDone: () => void }) {
  const rename = useMutation(api.chat.renameThread);
  const archive = useMutation(api.chat.archiveThread);
  const unarchive = useMutation(api.chat.unarchiveThread);
  const { isPending, error, attempt } = useAttempt();
  const [newName, setNewName] = useState(name);
  const [question, setQuestion] = useState<"unasked" | "asked" | "denied">("unasked");
  const does = (call: () => Promise<unknown>) => void attempt(call).then((hasWorked) => hasWorked && onDone());

  const save = (event: SyntheticEvent) => {
    event.preventDefault();
    does(() => rename({ threadId, name: newName.trim() }));
  };
  if (question === "asked") {
    return (
      <div role="group" aria-labelledby="delete-question">
        <h3 id="delete-question">Delete this thread?</h3>
        <p>
          It goes in {GRACE_MS / MINUTE_MS} minutes, with all that was said in it; until then you can take that back. What Codex
          keeps on its machine stays there.
        </p>
        <div className="thread-menu-row">
          <button type="button" className="secondary" autoFocus onClick={() => setQuestion("denied")}>
            No
          </button>
          <button type="button" className="secondary danger" disabled={isPending} onClick={() => does(deletion.ask)}>
            Delete in {GRACE_MS / MINUTE_MS} minutes
          </button>
        </div>
        <Failure error={error} />
      </div>
    );
  }
  return (
    <>
      <form onSubmit={save}>
        <label>
          Name
          <input type="text" value={newName} placeholder={title} onChange={(event) => setNewName(event.target.value)} />
        </label>
        <button type="submit" className="secondary" disabled={isPending || newName.trim() === name}>
          Rename
        </button>
      </form>
      <div className="thread-menu-row">
        <button
          type="button"
          className="secondary"
          disabled={isPending}
          onClick={() => does(() => (isArchived ? unarchive({ threadId }) : archive({ threadId })))}
        >
          {isArchived ? "Bring back" : "Archive"}
        </button>
        {deletion.scheduledFor === undefined ? (
          <button type="button" className="secondary danger" autoFocus={question === "denied"} onClick={() => setQuestion("asked")}>
            Delete …
          </button>
        ) : (
          <button type="button" className="secondary" disabled={isPending} onClick={() => does(deletion.takeBack)}>
            Do not delete
          </button>
        )}
      </div>
      <Failure error={error} />
    </>
  );
}

function Failure({ error }: { error: unknown }) {
  if (error === undefined) return null;
  return (
    <p className="error" role="alert">
      {failureWords(error)}
    </p>
  );
}
