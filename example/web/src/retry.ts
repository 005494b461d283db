import { createContext } from "react";

/** Asks everything anew, over a new connection and with the sign-in that holds then: a query that failed is not asked again by itself. */
export const RetryContext = createContext<() => void>(() => undefined);
