// What is known of a thread's deletion, and that it is not known.
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it } from "vitest";
import { stubSize } from "./in-view.js";
import { openPage, type ShownPage } from "./page.js";

let page: ShownPage | undefined;
beforeEach(stubSize);
afterEach(async () => {
  localStorage.clear();
  await page?.close();
});

it("that it cannot be read whether a thread will be deleted is said, and it is read again", async () => {
  localStorage.setItem("codex deletion of thread-1", "job-1");
  const failing = () => {
    throw new Error("not at the moment");
  };
  page = await openPage({ getDeletionJobStatus: failing }, "thread=thread-1");
  await screen.findByText(/Whether the thread will be deleted could not be read/);
  page.answers = { getDeletionJobStatus: () => ({ deletionJobId: "job-1", status: "scheduled", scheduledFor: 1 }) as never };
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText(/This thread will be deleted at/);
  await waitFor(() => expect(screen.queryByText(/could not be read/)).toBeNull());
});
