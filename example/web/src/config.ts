import { useSyncExternalStore } from "react";

/** What the address says after its `#`, which no server gets to see. */
export interface Config {
  /** The deployment, its token path included. */
  url: string | null;
  /** Whom the page reads as, where the deployment does not say so itself: an access token of its provider. */
  token: string | null;
  threadId: string | null;
}

export function useConfig(): Config {
  const hash = useSyncExternalStore(onHashChange, () => location.hash);
  const params = new URLSearchParams(hash.slice(1));
  return { url: given(params, "url"), token: given(params, "token"), threadId: given(params, "thread") };
}

export function chooseThread(threadId: string): void {
  const params = new URLSearchParams(location.hash.slice(1));
  params.set("thread", threadId);
  location.hash = params.toString();
}

function given(params: URLSearchParams, name: string): string | null {
  const value = params.get(name);
  return value === "" ? null : value;
}

function onHashChange(notify: () => void): () => void {
  addEventListener("hashchange", notify);
  return () => removeEventListener("hashchange", notify);
}
