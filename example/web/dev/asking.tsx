import { readCodexServerRequest, type CodexServerRequestView, type CodexUIMessage } from "convex-codex-local/react";
import { useState } from "react";
import type { Readers } from "../src/items/readers.js";
import { ReadersContext } from "../src/items/readers.js";
import { ApprovalCard, type ApprovalCardProps } from "../src/requests/approval-card.js";
import { QuestionCard } from "../src/requests/question-card.js";

const IDS = { threadId: "thread-1", turnId: "turn-1" };
const WAITS_MS = 90_000;
/** More than a card is high. */
const LINES = 120;
const LONG_LINE_UNITS = 3_000;

function approval(itemId: string, method: string, params: object): ApprovalCardProps["approval"] {
  const payloadJson = JSON.stringify({ method, id: itemId, params: { ...IDS, itemId, ...params } });
  return { ...IDS, itemId, kind: "", requestId: itemId, method, payloadJson, createdAt: 0, isAnswering: false };
}

const AMENDMENT = { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["curl"] } };
const NETWORK = approval("network", "item/commandExecution/requestApproval", {
  kind: "command",
  command: "curl -fsS https://registry.example/rounding.tgz",
  cwd: "/workspace",
  reason: "The tests need the package.",
  networkApprovalContext: { host: "registry.example", protocol: "https" },
  proposedExecpolicyAmendment: ["curl"],
  availableDecisions: ["accept", AMENDMENT, "cancel"],
});
const FILES = approval("files", "item/fileChange/requestApproval", { reason: null, grantRoot: null });
const UNREAD = approval("unread", "item/fileChange/requestApproval", {});

const CHANGES = [
  { path: "/workspace/src/total.ts", kind: { type: "update", move_path: null }, diff: "@@ -12,3 +12,4 @@ export function total(cart: Cart): Money {\n   const net = sum(cart.lines);\n-  return round(net - net * cart.voucher.rate);\n+  const discount = roundHalfEven(net * (cart.voucher?.rate ?? 0));\n+  return net - discount;\n }\n" },
  { path: "/workspace/test/rates.csv", kind: { type: "add" }, diff: Array.from({ length: LINES }, (_, i) => `${i + 1},${"9".repeat(i === LINES / 2 ? LONG_LINE_UNITS : 2)}\n`).join("") },
];
const CHANGED: CodexUIMessage = {
  _id: "files",
  messageId: "files",
  turnId: IDS.turnId,
  role: "tool",
  status: "streaming",
  text: "",
  sourceItemType: "fileChange",
  payloadJson: JSON.stringify({ type: "fileChange", changes: CHANGES }),
  orderInTurn: 0,
  createdAt: 0,
  updatedAt: 0,
};

function question(): CodexServerRequestView {
  const method = "item/tool/requestUserInput";
  const options = [
    { label: "Half even", description: "as the invoices do" },
    { label: "other", description: "" },
  ];
  const questions = [{ id: "q", header: "Rounding", question: "How shall a discount be rounded?", isOther: true, isSecret: false, options }];
  const row = { ...IDS, requestId: "question", method, itemId: "question", payloadJson: JSON.stringify({ params: { questions } }), status: "pending" } as const;
  const now = Date.now();
  return { ...row, createdAt: now, updatedAt: now, autoResolutionMs: WAITS_MS, ...readCodexServerRequest(row), isAnswering: false };
}

/** Cards as they stand above the composer. */
export function AskingScene({ readers }: { readers: Readers }) {
  const [asked] = useState(question);
  const on = { onAccept: () => undefined, onDecline: () => undefined, onDecide: () => undefined };
  return (
    <ReadersContext.Provider value={readers}>
      <div className="page">
        <main className="scroll" tabIndex={0} />
        <div className="foot">
          <div className="requests" role="region" aria-label="Codex waits for you">
            <ApprovalCard approval={FILES} message={CHANGED} {...on} />
            <ApprovalCard approval={NETWORK} message={undefined} {...on} />
            <ApprovalCard approval={UNREAD} message={undefined} {...on} />
            <QuestionCard request={asked} onAnswer={() => undefined} />
          </div>
        </div>
      </div>
    </ReadersContext.Provider>
  );
}
