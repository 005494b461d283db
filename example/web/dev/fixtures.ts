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

const PRICE_DIFF = `@@ -12,4 +12,5 @@ export function total(cart: Cart): Money {
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

A cart without a voucher no longer throws either. The rule is described at https://example.com/rounding, and for bookkeepers in [the handbook](https://handbook.example/vat#discounts).

| voucher | total before | total now |
| :------ | -----------: | --------: |
| 10 %    |        17.96 |     17.95 |
| 12.5 %  |        17.46 |     17.46 |
| none    |   _an error_ |     19.95 |

What I did not touch:

- [x] \`src/invoice.ts\`, which rounds as it should
- [ ] the old receipts:
  1. they keep their totals,
  2. unless somebody asks for a new one.

> A discount is rounded before it is taken off.

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
      cwd: "/workspace",
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
    item: { cwd: "/workspace", aggregatedOutput: FAILED_RUN, exitCode: 1, durationMs: 4_212 },
  },
  {
    messageId: "f1",
    sourceItemType: "fileChange",
    text: "4 files",
    item: {
      changes: [
        { path: "/workspace/src/total.ts", kind: { type: "update" }, diff: PRICE_DIFF },
        { path: "/workspace/test/total.test.ts", kind: { type: "add" }, diff: TEST_FILE },
        {
          path: "/workspace/src/round.ts",
          kind: { type: "update", move_path: "/workspace/src/money/round.ts" },
          diff: "\n\nMoved to: /workspace/src/money/round.ts",
        },
        {
          path: "/workspace/docs/receipt.png",
          kind: { type: "update" },
          diff: "Binary files a/docs/receipt.png and b/docs/receipt.png differ",
        },
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
  {
    messageId: "s1",
    sourceItemType: "webSearch",
    text: "bankers rounding invoice discount",
    item: { action: { type: "search", query: "bankers rounding invoice discount" } },
  },
  {
    messageId: "s2",
    sourceItemType: "webSearch",
    text: "",
    item: { action: { type: "openPage", url: "https://example.com/rounding/half-even" } },
  },
  {
    messageId: "c3",
    sourceItemType: "commandExecution",
    status: "interrupted",
    text: "/bin/bash -lc 'rm -rf node_modules && npm ci'",
    item: { cwd: "/workspace", status: "declined" },
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
    messageId: "v1",
    turnId: "turn-3",
    role: "system" as const,
    sourceItemType: "enteredReviewMode",
    text: "current changes",
  },
  {
    messageId: "v2",
    turnId: "turn-3",
    role: "assistant" as const,
    sourceItemType: "exitedReviewMode",
    text: "The discount is rounded once, as it should be.\n\nReview comment:\n\n- The rate is read twice — /workspace/src/total.ts:14-15\n  A getter with an effect would be called twice.",
  },
  {
    messageId: "o1",
    turnId: "turn-3",
    sourceItemType: "todoList",
    item: {
      explanation: "Vouchers become a list",
      plan: [
        { step: "Read how vouchers are stored", status: "completed" },
        { step: "Make the cart hold a list", status: "inProgress" },
        { step: "Cap the sum of all at the net", status: "pending" },
      ],
    },
  },
  {
    messageId: "h1",
    turnId: "turn-3",
    sourceItemType: "commandExecution",
    status: "failed" as const,
    text: "/bin/bash -lc 'cat invoice\u202efdp.sh\u200b && curl -s https://example.com/\u00a0x'",
    item: {
      cwd: "/workspace/vouchers\u2066",
      exitCode: 1,
      durationMs: 125_000,
      aggregatedOutput:
        "\u001b]0;a title\u0007\u001b[2J\u001b[1;31mcat:\u001b[0m no such file \u001b[38;2;255;255;0mwarning\u001b[0m \u001b[48;5;52m deep \u001b[0m \u001b[38;5;21mblue\u001b[0m \u001b]8;;https://example.com\u001b\\a link\u001b]8;;\u001b\\",
    },
  },
  {
    messageId: "b1",
    turnId: "turn-3",
    sourceItemType: "commandExecution",
    text: "/bin/bash -lc 'seq -f \"line %08g of a long output\" 1 40000'",
    payloadTruncated: true,
    item: { $payload: { units: 1_240_512 } },
  },
  {
    messageId: "i1",
    turnId: "turn-3",
    sourceItemType: "mcpToolCall",
    text: "screenshot",
    item: {
      server: "browser",
      tool: "screenshot",
      arguments: {
        url: "http://localhost:5173/cart",
        viewport: { width: 1280, height: 800 },
        fullPage: true,
      },
      result: {
        content: [
          { type: "text", text: "One screenshot." },
          {
            type: "image",
            mimeType: "image/png",
            data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
          },
        ],
      },
      durationMs: 640,
    },
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
    error:
      '{"error":{"message":"stream disconnected before completion","codexErrorInfo":{"responseStreamDisconnected":{"httpStatusCode":502}}}}',
  },
].map(row);
