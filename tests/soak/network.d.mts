export interface Network {
  readonly url: string;
  /** `awayUntil`: when it comes back from what it was made to do last, in milliseconds since 1970. */
  readonly state: { isDown: boolean; isCalm: boolean; awayUntil: number };
  readonly counts: { readonly passed: number; readonly refused: number };
  open(): number;
  cut(): void;
  stall(ms: number): void;
  down(ms: number): void;
  close(): void;
}
export function networkTo(upstream: string, chance: () => number, lost: Record<string, number>): Promise<Network>;
