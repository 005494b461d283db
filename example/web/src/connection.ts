import { useConvexConnectionState } from "convex/react";

/** Whether what is shown is what is. */
export type Connection = "connecting" | "live" | "lost";

export function useConnection(): Connection {
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  if (isWebSocketConnected) return "live";
  return hasEverConnected ? "lost" : "connecting";
}
