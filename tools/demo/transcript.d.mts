export interface TranscriptMessage {
  role: string;
  status: string;
  text: string;
  sourceItemType?: string;
  payloadJson?: string;
  payloadTruncated?: boolean;
  output?: string;
}
export class Transcript {
  constructor(write: (text: string) => void);
  readonly isEnded: boolean;
  update(messages: TranscriptMessage[]): void;
}
