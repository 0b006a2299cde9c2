/** Two samples side by side: how many are only in A, in both, only in B; and the way to change sides. */
import { useMemo } from "preact/hooks";
import { Button } from "./controls/Button";
import { count } from "./format";
import { useView } from "./view";

export function Compared() {
  const { session } = useView();
  const a = session.picks.a.value.points;
  const n = session.picks.count.value;
  const b = session.picks.b.value.points;
  const both = useMemo(() => {
    const inA = new Set(a.subarray(0, n));
    return b.reduce((sum, point) => sum + (inA.has(point) ? 1 : 0), 0);
  }, [a, n, b]);
  if (b.length === 0) return null;
  return (
    <div class="row compared">
      <dl>
        <div>
          <dt>
            <i class="dot a" /> only A
          </dt>
          <dd>{count(n - both)}</dd>
        </div>
        <div>
          <dt>
            <i class="dot both" /> both
          </dt>
          <dd>{count(both)}</dd>
        </div>
        <div>
          <dt>
            <i class="dot b" /> only B
          </dt>
          <dd>{count(b.length - both)}</dd>
        </div>
      </dl>
      <Button
        label="Swap A and B"
        icon="swap"
        iconOnly
        kind="quiet"
        disabled={session.sampling.state.value.running}
        onClick={() => void session.history.compare("swap")}
      />
    </div>
  );
}
