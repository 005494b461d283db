// A host process that is to be killed: it appends the events of three turns to an outbox, each once, and sends them to its parent.
// Where it goes on is what its outbox says. It ends by itself when everything has arrived.
import { Outbox, verdictOfAnswer, verdictOfError } from "../../dist/js-wrapper/outbox/index.js";
import { eventsOf } from "./story.mjs";

const [folder, url, countText] = process.argv.slice(2);
const count = Number(countText);
const FLUSH_MS = 900_000;
const APPENDED_AT_ONCE = 20;

const outbox = await Outbox.open({
  folder,
  onError: (error) => console.error(error.code, error.message),
  deliver: async (batch) => {
    try {
      const answer = await fetch(url, { method: "POST", body: JSON.stringify(batch) });
      return answer.ok ? verdictOfAnswer(await answer.json()) : verdictOfError({ status: answer.status });
    } catch (thrown) {
      return verdictOfError(thrown);
    }
  },
});
const known = new Map(outbox.numbers().map(({ threadId, turns: [[, next]] }) => [threadId, next]));
console.log(JSON.stringify(Object.fromEntries(known)));
let appended = 0;
for (const event of eventsOf(count)) {
  if (event.cursorStart < (known.get(event.threadId) ?? 0)) continue;
  outbox.append(event);
  if (++appended % APPENDED_AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}
const left = await outbox.flush(FLUSH_MS);
await outbox.close();
process.exit(left === 0 ? 0 : 1);
