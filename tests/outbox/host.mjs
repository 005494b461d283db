// A host process that is to be killed: it appends the events of three turns to an outbox, each once, and sends them to its parent.
// Where it goes on is what its outbox says. It ends by itself when everything has arrived.
import { Outbox } from "../../dist/js-wrapper/outbox/index.js";
import { deliverTo } from "./http.mjs";
import { eventsOf } from "./story.mjs";

const [folder, url, countText] = process.argv.slice(2);
const count = Number(countText);
const FLUSH_MS = 900_000;
const APPENDED_AT_ONCE = 20;

const outbox = await Outbox.open({
  folder,
  onError: (error) => console.error(error.code, error.message),
  deliver: deliverTo(url),
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
