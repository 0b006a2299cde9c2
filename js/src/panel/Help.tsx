/** What the keys and the pointer do, for people who look for it. */
import { Button } from "./controls/Button";
import { Modal } from "./Modal";
import { useView } from "./view";

const KEYS: { title: string; keys: [string, string][] }[] = [
  {
    title: "Plot",
    keys: [
      ["Drag, arrow keys", "move the map"],
      ["Wheel, + and −", "zoom in and out; the wheel once the plot was clicked, or with Ctrl or ⌘"],
      ["0", "back to the opening view"],
      ["Click", "open a sample's card"],
      ["Shift-click, Alt-click", "select a sample, take it out of the selection"],
      ["N and P", "next and previous sample"],
      ["Escape", "close the card, then clear the selection, then back to panning"],
    ],
  },
  {
    title: "Lasso and rectangle",
    keys: [
      ["Drag", "select what is inside"],
      ["Shift or Alt while dragging", "add to the selection, or remove from it"],
    ],
  },
  {
    title: "Gallery",
    keys: [
      ["← and →, Page Up and Down, Home, End", "move along"],
      ["Enter", "open a sample's card; once more: show it large"],
      ["P", "pin or unpin"],
      ["Delete", "remove: another is chosen in its place"],
    ],
  },
  {
    title: "Large picture",
    keys: [
      ["← and →", "previous and next"],
      ["B", "show or hide the boxes"],
      ["Escape", "close"],
    ],
  },
  {
    title: "Legend",
    keys: [
      ["Click", "hide or show a class"],
      ["Double click, Shift-click", "show it alone"],
    ],
  },
];

export function Help() {
  const view = useView();
  if (!view.help.value) return null;
  const close = () => {
    view.help.value = false;
  };
  return (
    <Modal label="Keyboard and mouse" class="help" onClose={close}>
      <div class="row viewer-head">
        <h3 class="grow">Keyboard and mouse</h3>
        <Button label="Close" icon="close" iconOnly kind="quiet" onClick={close} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <div class="help-body" tabIndex={0}>
        {KEYS.map(({ title, keys }) => (
          <section key={title}>
            <h4>{title}</h4>
            <dl>
              {keys.map(([key, does]) => (
                <div key={key}>
                  <dt>{key}</dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
