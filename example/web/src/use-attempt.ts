import { useCallback, useState } from "react";

/** Something that a button does. */
export interface Attempt {
  /** It is not answered yet. */
  isPending: boolean;
  /** What it failed with the last time. */
  error: unknown;
  /** Does it; answers whether it worked. */
  attempt: (call: () => Promise<unknown>) => Promise<boolean>;
}

/** Follows what a button does: that it is under way, and what it failed with. */
export function useAttempt(): Attempt {
  const [state, setState] = useState<{ isPending: boolean; error: unknown }>({ isPending: false, error: undefined });
  const attempt = useCallback(async (call: () => Promise<unknown>) => {
    setState({ isPending: true, error: undefined });
    try {
      await call();
      setState({ isPending: false, error: undefined });
      return true;
    } catch (error) {
      setState({ isPending: false, error });
      return false;
    }
  }, []);
  return { ...state, attempt };
}
