export interface Network {
  readonly url: string;
  readonly state: { isDown: boolean; isCalm: boolean };
  readonly counts: { readonly passed: number; readonly refused: number };
  open(): number;
  cut(): void;
  stall(ms: number): void;
  down(ms: number): void;
  close(): void;
}
export function networkTo(upstream: string, chance: () => number, lost: Record<string, number>): Promise<Network>;
