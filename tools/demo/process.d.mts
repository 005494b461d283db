export interface Demo {
  readonly address: string;
  stop(): Promise<void>;
}
export function startDemo(...args: string[]): Promise<Demo>;
