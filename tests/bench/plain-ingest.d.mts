import type { IngestCall, Plan } from "../../js-wrapper/core/boundary.js";

export class NotCovered extends Error {}
type Place = { eventId: string; cursorEnd: number };
type Fault = { code: string; errorCode: string; message: string; recoverable: boolean; event?: number };
export function planPlainly(call: IngestCall, places?: ReadonlyMap<number, Place>): { type: "plan"; plan: Plan } | { type: "rejected"; fault: Fault };
