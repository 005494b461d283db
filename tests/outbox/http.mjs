// Convex behind HTTP, as far as an outbox is concerned.
import { verdictOfAnswer, verdictOfError } from "../../dist/js-wrapper/outbox/index.js";

/** Sends a batch to `url`; answers what becomes of it. */
export const deliverTo = (url) => async (batch) => {
  try {
    const answer = await fetch(url, { method: "POST", body: JSON.stringify(batch) });
    return answer.ok ? verdictOfAnswer(await answer.json()) : verdictOfError({ status: answer.status });
  } catch (thrown) {
    return verdictOfError(thrown);
  }
};
