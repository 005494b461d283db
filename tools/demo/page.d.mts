export function buildPage(options?: { onBuild?: () => void }): Promise<void>;
export function servePage(options?: { port?: number; folder?: string }): Promise<{
  origin: string;
  connectTo: (deploymentUrl: string) => void;
  close: () => Promise<void>;
}>;
