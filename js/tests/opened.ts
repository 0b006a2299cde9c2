/** A session against a stand-in kernel, with a clock that the tests move. */
import { afterEach, mock } from "node:test";
import { Session } from "../src/session/session";
import { Kernel } from "./kernel";

const sessions: Session[] = [];
mock.timers.enable({ apis: ["setTimeout"] });

export function open(kernel = new Kernel()): { kernel: Kernel; session: Session } {
  const session = new Session(kernel.model);
  sessions.push(session);
  return { kernel, session };
}

/** As `open`, with the points there and the kernel's welcome said. */
export function ready(kernel = new Kernel()): { kernel: Kernel; session: Session } {
  const opened = open(kernel);
  const n = opened.session.nSamples;
  const x = Float32Array.from({ length: n }, (_, point) => point);
  kernel.say({ kind: "positions", projection: "pca", animate: false, offset: 0, total: n, x, y: x, last: true });
  kernel.welcome();
  return opened;
}

/** Lets promises settle. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

export const after = async (ms: number) => {
  await settle();
  mock.timers.tick(ms);
  await settle();
};

/** The points that have a flag. */
export const flagged = ({ flags: { bytes } }: Session, flag: number) =>
  [...bytes.keys()].filter((point) => bytes[point] & flag);

afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
});
