import type { ConvexReactClient } from "convex/react";
import { ConvexProvider } from "convex/react";
import type { ReactNode } from "react";
import { StrictMode } from "react";

/** What a hook's test renders in: the provider of `client`, in strict mode. */
export function inStrictMode(client: ConvexReactClient) {
  return ({ children }: { children: ReactNode }) => (
    <StrictMode>
      <ConvexProvider client={client}>{children}</ConvexProvider>
    </StrictMode>
  );
}
