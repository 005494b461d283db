import type { Doc } from "../_generated/dataModel.js";
import { coded } from "../errors.js";

/** What a client is told of a request that is not as it wished: with it, what became of it and who decided, and what, unless that is too long for its row. */
export function refused(
  { code, message, row }: { code: string; message: string; row?: number },
  rows: readonly Doc<"serverRequests">[],
  detail: Record<string, string | number>,
) {
  const request = row === undefined ? undefined : rows[row];
  const told = request && {
    requestId: request.requestId,
    status: request.status,
    cause: request.cause,
    decisionJson: request.decisionJson,
    decidedBy: request.decidedBy,
    decidedByDevice: request.decidedByDevice,
    decidedByPolicy: request.decidedByPolicy,
    decidedAt: request.decidedAt,
  };
  const known = Object.entries(told ?? {}).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  return coded(code, message, { ...detail, ...Object.fromEntries(known) });
}
