export interface ToldRequestsProps {
  /** What is told of each, once. */
  requests: readonly { key: string; words: string }[];
}

/**
 * Tells who does not see the cards what is asked. It is there before there is something to say: what comes in together with its words is
 * commonly not told. Not atomic: what still waits is not told again when something else comes or is answered.
 */
export function ToldRequests({ requests }: ToldRequestsProps) {
  return (
    <p className="only-heard" role="status" aria-live="polite" aria-atomic="false" aria-relevant="additions">
      {requests.map(({ key, words }) => (
        <span key={key}>{words}. </span>
      ))}
    </p>
  );
}
