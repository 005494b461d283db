export interface OutboxEvent {
  threadId: string;
  payloadJson: string;
}
export class Outbox<Event extends OutboxEvent> {
  constructor(send: (batch: Event[]) => Promise<void>, onRetry: (error: Error) => void);
  readonly stats: { events: number; batches: number; retries: number };
  put(event: Event): void;
  flushed(): Promise<void>;
  stop(): void;
}
