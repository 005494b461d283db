import { useId, type ReactNode } from "react";

export interface RequestCardProps {
  title: string;
  /** What the last answer failed with, in words. */
  failure: string | undefined;
  children: ReactNode;
}

/** Something that Codex waits for a person with. */
export function RequestCard({ title, failure, children }: RequestCardProps) {
  const id = useId();
  return (
    <section className="request" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
      {failure !== undefined && (
        <p className="error" role="alert">
          {failure}
        </p>
      )}
    </section>
  );
}
