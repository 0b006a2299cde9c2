/** What went wrong, in the kernel's words, until it is put away. */
import { Button } from "./controls/Button";
import { Icon } from "./icons";
import { useView } from "./view";

export function Toasts() {
  const { store } = useView();
  return (
    <div class="toasts" role="alert" aria-live="assertive">
      {store.errors.value.map(({ key, message }) => (
        <div key={key} class="toast">
          <Icon name="warning" />
          <p class="data wrap">{message}</p>
          <Button label="Dismiss" icon="close" iconOnly mini kind="quiet" onClick={() => store.dismiss(key)} />
        </div>
      ))}
    </div>
  );
}
