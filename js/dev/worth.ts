/** What labels are worth, in the shape of real answers: a probe trains for seconds, and with B for twice as long. */
import type { Request } from "../src/protocol";
import type { MockModel } from "./model";

const AT = [1, 10, 100];
const RADIUS = [1, 0.4, 0.3];
const MEAN = [0.42, 0.55, 0.67, 0.74];
const TASK = "Measuring what labels are worth";

export function sayWorth(
  model: MockModel,
  { id, labels }: Extract<Request, { kind: "worth" }>,
  compared: boolean,
  delay: number,
): void {
  if (labels === null) {
    const sentence = "covers the dataset 1.7× tighter than random";
    const coverage = { at: AT, sample: RADIUS, random: [1, 0.6, 0.5], sentence };
    const findings = ["The curve bends at about 10 samples; beyond them each one covers little more."];
    model.say(id, { kind: "worth", findings, curves: null, coverage, knee: 10 });
    return;
  }
  const around = (by: number) => MEAN.map((value) => value + by);
  const curve = (name: string, by: number) => ({ name, accuracy: around(by), balanced: around(by - 0.03) });
  const curves = {
    budgets: [10, 30, 100, 300],
    curves: [curve(compared ? "A" : "This sample", 0.06), ...(compared ? [curve("B", -0.02)] : [])],
    accuracy: { mean: MEAN, low: around(-0.04), high: around(0.04) },
    balanced: { mean: around(-0.05), low: around(-0.1), high: around(0) },
    n_labeled: 1200,
    n_held_out: 300,
  };
  const findings = [
    "This sample: 6.0 ± 2.1 points above random at 100 labels.",
    "About 70 labels give what 100 random ones do.",
  ];
  model.say(id, { kind: "progress", task: TASK, text: TASK, fraction: 0.5 }, [], false);
  setTimeout(() => {
    model.say(id, { kind: "progress", task: TASK, text: "", fraction: 1 }, [], false);
    model.say(id, { kind: "worth", findings, curves, coverage: null, knee: null });
  }, delay);
}
