/** In a page without a kernel: how its sample was chosen, and the code that makes it again. */
import { useEffect, useRef, useState } from "preact/hooks";
import { specOf } from "./catalog";
import { copy } from "./clipboard";
import { Button } from "./controls/Button";
import { count } from "./format";
import { suggestTag } from "./names";
import { useView } from "./view";

export function Recipe() {
  const { session } = useView();
  const has = session.picks.count.value > 0;
  if (!has) return <p class="empty muted">No sample was made for this page.</p>;
  return (
    <div class="stack">
      <Strategies />
      <Code />
    </div>
  );
}

function Strategies() {
  const { session } = useView();
  const { nCandidates } = session.sampling.state.value;
  return (
    <section class="section" aria-label="Strategies">
      <h3>Chosen from {count(nCandidates)} candidates by</h3>
      <ul class="chips">
        {session.traits.strategies.value.map(({ type, strength }, index) => (
          <li key={index} class="chip strong">
            <span class="data">{specOf(type).title}</span>
            {strength !== 1 && <span class="data"> × {strength}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The code as it is for the count shown. */
function useCode(): string | null {
  const { session } = useView();
  const [code, setCode] = useState<string | null>(null);
  const n = session.picks.count.value;
  const picks = session.picks.a.value;
  useEffect(() => {
    let wanted = true;
    const tag = suggestTag(session.traits.strategies.peek(), n, session.info);
    session.results.recipe(tag).then(
      (found) => wanted && setCode(found),
      () => undefined, // a toast shows it
    );
    return () => {
      wanted = false;
    };
  }, [session, n, picks]);
  return code;
}

function Code() {
  const view = useView();
  const code = useCode();
  const box = useRef<HTMLPreElement>(null);
  const [copied, setCopied] = useState("");
  const take = async () => {
    if (await copy(code ?? "")) return setCopied("Copied.");
    if (box.current) getSelection()?.selectAllChildren(box.current);
    setCopied("The browser did not let this page copy. The code is selected: copy it with the keyboard.");
  };
  return (
    <section class="section" aria-label="Recipe">
      <p class="small muted">This page has no kernel. To choose other samples, run the recipe in a notebook:</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section class="code-box" aria-label="Python code" tabIndex={0}>
        <pre ref={box} class="code">
          {code ?? "…"}
        </pre>
      </section>
      <div class="row">
        <span class="small muted" role="status">
          {copied}
        </span>
        <span class="push" />
        <Button label="Copy" disabled={code === null || view.ended.aborted} onClick={() => void take()} />
      </div>
    </section>
  );
}
