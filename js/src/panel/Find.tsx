/** Find by text or by a picture, where the model knows them; otherwise by a sample, from its card. */
import { useRef, useState } from "preact/hooks";
import { Button } from "./controls/Button";
import { Icon } from "./icons";
import { bringsFiles, pictureIn } from "./picture";
import { useView, type View } from "./view";

export function Find() {
  const view = useView();
  const [text, setText] = useState("");
  const { can_find_text, no_find_image, media } = view.session.info;
  const byImage = no_find_image === null || media === "image";
  if (!view.session.hasKernel || (!can_find_text && !byImage)) return null;
  return (
    <form
      class={`find ${can_find_text ? "" : "no-text"}`}
      aria-busy={view.finding.value}
      onSubmit={(event) => {
        event.preventDefault();
        const words = text.trim();
        if (words !== "") void view.find({ text: words }, `“${words}”`);
      }}
    >
      {can_find_text && (
        <span class="find-text">
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
        </span>
      )}
      {byImage && <ByImage />}
    </form>
  );
}

function ByImage() {
  const view = useView();
  const { can_find_text, no_find_image } = view.session.info;
  const file = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button
        label="Find by image"
        icon="picture"
        iconOnly={can_find_text}
        kind="quiet"
        title={no_find_image ?? "Find by image: choose a file, drop one on the plot, or paste one there"}
        onClick={() =>
          no_find_image === null ? file.current?.click() : view.session.errors.report(new Error(no_find_image))
        }
      />
      <input
        ref={file}
        class="hidden-text"
        type="file"
        accept="image/*"
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => {
          const [chosen] = event.currentTarget.files ?? [];
          event.currentTarget.value = ""; // the same file may be chosen again
          if (chosen) void view.findLike(chosen);
        }}
      />
    </>
  );
}

/** Pictures dropped or pasted on an element are looked for; everything else goes its own way. */
export const takesPictures = (view: View) => ({
  onDragOver: (event: DragEvent) => {
    if (view.session.info.no_find_image !== null || !bringsFiles(event.dataTransfer)) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would take the file for a new cell
  },
  onDrop: (event: DragEvent) => take(view, event, event.dataTransfer),
  onPaste: (event: ClipboardEvent) => take(view, event, event.clipboardData),
});

function take(view: View, event: Event, data: DataTransfer | null): void {
  const picture = pictureIn(data);
  if (picture === null || view.session.info.no_find_image !== null) return;
  event.preventDefault();
  event.stopPropagation();
  void view.findLike(picture);
}
