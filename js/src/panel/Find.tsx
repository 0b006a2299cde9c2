/** Find by text, where the model knows text; otherwise by a sample, from its card. */
import { useState } from "preact/hooks";
import { Icon } from "./icons";
import { useView } from "./view";

export function Find() {
  const view = useView();
  const [text, setText] = useState("");
  if (!view.store.info.can_find_text) return null;
  return (
    <form
      class="find"
      onSubmit={(event) => {
        event.preventDefault();
        const words = text.trim();
        if (words !== "") void view.find({ text: words }, `“${words}”`);
      }}
    >
      <Icon name="search" />
      <input
        class="input"
        type="text"
        dir="auto"
        autocomplete="off"
        aria-label="Find by text"
        placeholder="Find by text, then Enter"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </form>
  );
}
