/** The sample as Python that makes it again. */
import { useEffect, useRef, useState } from "preact/hooks";
import { copy } from "./clipboard";
import { Form } from "./Form";
import { suggestTag } from "./names";
import { useView } from "./view";

export function CopyCode({ onClose }: { onClose(): void }) {
  const view = useView();
  const { session } = view;
  const [code, setCode] = useState<string | null>(null);
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const tag = suggestTag(session.traits.strategies.peek(), session.picks.count.peek(), session.info);
    session.results.recipe(tag).then(setCode, onClose);
  }, [session, onClose]);
  return (
    <Form
      title="Copy as Python"
      action="Copy"
      problem={code === null ? "not there yet" : null}
      onClose={onClose}
      run={async () => {
        if (await copy(code ?? "")) return view.say("Copied");
        if (box.current) getSelection()?.selectAllChildren(box.current);
        view.say("The browser did not let this page copy. The code is selected: copy it with the keyboard");
        throw new Error("not copied");
      }}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section class="code-box" aria-label="Python code" tabIndex={0}>
        <pre ref={box} class="code">
          {code ?? "…"}
        </pre>
      </section>
    </Form>
  );
}
