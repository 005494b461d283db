export interface EditFormProps {
  text: string;
  /** Somebody just asked for it: it takes the focus, as the button that opened it is gone. */
  isOpened: boolean;
  /** The machine has the message: its words can no longer be changed. */
  isTooLate: boolean;
  onChange: (text: string) => void;
  onSave: () => void;
  /** Sends the words as a message of their own. */
  onSend: () => void;
  onLeave: () => void;
}

/** Other words for a message that waits. They are kept until they are saved, sent or left. */
export function EditForm({ text, isOpened, isTooLate, onChange, onSave, onSend, onLeave }: EditFormProps) {
  return (
    <form
      className="edit"
      onSubmit={(event) => {
        event.preventDefault();
        if (isTooLate) onSend();
        else onSave();
      }}
    >
      <textarea aria-label="Other words" rows={1} autoFocus={isOpened} value={text} onChange={(event) => onChange(event.target.value)} />
      {isTooLate && <span className="aside">These words came too late for it.</span>}
      <button type="submit" disabled={text.trim() === ""}>
        {isTooLate ? "Send as a new message" : "Save"}
      </button>
      <button type="button" onClick={onLeave}>
        {isTooLate ? "Discard" : "Leave as it is"}
      </button>
    </form>
  );
}
