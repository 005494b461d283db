import type { CodexUIMessage } from "convex-codex-local/react";

const START = Date.UTC(2026, 10, 22, 9, 10);
const MINUTE_MS = 60_000;

type Given = Partial<CodexUIMessage> & { messageId: string; item?: object };

function row({ item, ...given }: Given, index: number): CodexUIMessage {
  return {
    _id: given.messageId,
    turnId: "turn-1",
    role: "tool",
    status: "completed",
    text: "",
    orderInTurn: index,
    createdAt: START + index * MINUTE_MS,
    updatedAt: START + index * MINUTE_MS,
    payloadJson: JSON.stringify(item ?? {}),
    ...given,
  };
}

const PRICE_DIFF = `@@ -12,7 +12,9 @@ export function total(cart: Cart): Money {
   const net = sum(cart.lines.map((line) => line.price * line.quantity));
-  const discount = net * cart.voucher.rate;
-  return round(net - discount);
+  const rate = cart.voucher?.rate ?? 0;
+  const discount = roundHalfEven(net * rate);
+  return net - discount;
 }
`;

const TEST_FILE = `import { expect, it } from "vitest";
import { total } from "../src/total.js";

it("rounds the discount, not the total", () => {
  expect(total(cart([{ price: 1_995, quantity: 1 }], { rate: 0.1 }))).toBe(1_795);
});
`;

const FAILED_RUN = [
  " RUN  v4.1.12 /workspace",
  "",
  ...Array.from(
    { length: 24 },
    (_, i) => ` \u001b[32m✓\u001b[39m test/line-${i + 1}.test.ts (3 tests)`,
  ),
  " \u001b[31m❯\u001b[39m test/total.test.ts (4 tests | 1 failed)",
  "   × rounds the discount, not the total",
  "     → expected 1796 to be 1795",
  "",
  " Test Files  1 failed | 24 passed (25)",
  "      Tests  1 failed | 75 passed (76)",
].join("\n");

export const ANSWER = `The total was rounded after the discount had been taken off, so a voucher of 10 % on 19.95 came out one cent high.

I changed \`total\` to round the **discount** itself, half to even, which is what the invoices do:

\`\`\`ts
const discount = roundHalfEven(net * rate);
\`\`\`

A cart without a voucher no longer throws either. The rule is described at https://example.com/rounding.

All 76 tests pass.`;

const FIRST_TURN: Given[] = [
  {
    messageId: "u1",
    role: "user",
    sourceItemType: "userMessage",
    text: "A customer says that their 10 % voucher gives a total that is one cent off. Can you find out why and fix it? There should be a test in `test/total.test.ts`.",
  },
  {
    messageId: "r1",
    role: "assistant",
    sourceItemType: "reasoning",
    text: "**Looking for where the total is made**\n\nThe cart sums its lines, then takes off the voucher. If the rounding happens after that, a discount that ends in half a cent goes the wrong way. I should look at how the invoices round before I change anything.",
  },
  {
    messageId: "c1",
    sourceItemType: "commandExecution",
    text: "/bin/bash -lc 'rg -n \"round\" src | head -20'",
    item: {
      aggregatedOutput:
        "src/total.ts:15:  return round(net - discount);\nsrc/invoice.ts:41:  const tax = roundHalfEven(net * TAX_RATE);\nsrc/money.ts:8:export function round(cents: number): number {\nsrc/money.ts:13:export function roundHalfEven(cents: number): number {\n",
      exitCode: 0,
      durationMs: 38,
    },
  },
  {
    messageId: "c2",
    sourceItemType: "commandExecution",
    text: "/bin/bash -lc 'npx vitest run'",
    item: { aggregatedOutput: FAILED_RUN, exitCode: 1, durationMs: 4_212 },
  },
  {
    messageId: "f1",
    sourceItemType: "fileChange",
    text: "2 files",
    item: {
      changes: [
        { path: "/workspace/src/total.ts", kind: { type: "update" }, diff: PRICE_DIFF },
        { path: "/workspace/test/total.test.ts", kind: { type: "add" }, diff: TEST_FILE },
      ],
    },
  },
  {
    messageId: "t1",
    sourceItemType: "mcpToolCall",
    text: "tickets.lookup",
    item: {
      server: "tickets",
      tool: "lookup",
      arguments: { id: "T-7" },
      result: { content: [{ type: "text", text: "T-7: total is off by one cent with SAVE10" }] },
      durationMs: 82,
    },
  },
  { messageId: "s1", sourceItemType: "webSearch", text: "bankers rounding invoice discount" },
  {
    messageId: "c3",
    sourceItemType: "commandExecution",
    status: "interrupted",
    text: "/bin/bash -lc 'rm -rf node_modules && npm ci'",
    error: "Declined on phone-1",
  },
];

const LAST: Given[] = [
  {
    messageId: "c4",
    sourceItemType: "commandExecution",
    status: "streaming",
    text: "/bin/bash -lc 'npx vitest run --reporter=dot'",
    output: " RUN  v4.1.12 /workspace\n\n ··········································",
  },
  {
    messageId: "writing",
    role: "assistant",
    sourceItemType: "agentMessage",
    status: "streaming",
    text: ANSWER,
  },
];

export const RUNNING: CodexUIMessage[] = [...FIRST_TURN, ...LAST].map(row);

export const FINISHED: CodexUIMessage[] = [
  ...FIRST_TURN,
  { messageId: "a1", role: "assistant" as const, sourceItemType: "agentMessage", text: ANSWER },
  { messageId: "k1", turnId: "turn-2", sourceItemType: "contextCompaction" },
  {
    messageId: "u2",
    turnId: "turn-3",
    role: "user" as const,
    sourceItemType: "userMessage",
    text: "Thanks! What would it take to support several vouchers?",
  },
  {
    messageId: "p1",
    turnId: "turn-3",
    role: "assistant" as const,
    sourceItemType: "plan",
    text: "1. Make `voucher` a list.\n2. Apply fixed amounts before rates.\n3. Cap the sum of all at the net.",
  },
  {
    messageId: "x1",
    turnId: "turn-3",
    sourceItemType: "sleepingBeauty",
    text: "an item of a newer Codex",
  },
  {
    messageId: "a2",
    turnId: "turn-3",
    role: "assistant" as const,
    sourceItemType: "agentMessage",
    status: "failed" as const,
    text: "I started with the list, and",
    error: "The model stopped answering: stream disconnected before completion",
  },
].map(row);
