/** What the user reads about the connection. */
import type { Status } from "./connection";

const NO_ANSWER = "No answer from the kernel: it is busy with a cell, or it was restarted or shut down. ";

export const STATUS_TEXTS: Record<Exclude<Status, "ready">, string> = {
  connecting: "Asking the kernel for the points …",
  silent: `${NO_ANSWER}The plot appears when the cell is done; after a restart, run the cell again.`,
  gone: "The kernel that this plot belonged to is gone. Run the cell again to bring it back.",
};

/** Silent, with a plot on screen. */
const BUSY_TEXT = `${NO_ANSWER}What you asked for comes when the cell is done; after a restart, run the cell again.`;

/** null while all is well. */
export function statusText(status: Status, hasPoints: boolean): string | null {
  if (status === "silent" && hasPoints) return BUSY_TEXT;
  return status === "ready" ? null : STATUS_TEXTS[status];
}
