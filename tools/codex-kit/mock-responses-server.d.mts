/** A model that says what it is told, on 127.0.0.1. */
export function startMock(model?: { replies?: readonly { steps: readonly object[] }[] }, port?: number): Promise<{ baseUrl: string; close(): Promise<void> }>;
