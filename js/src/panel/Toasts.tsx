/** What went wrong, in the kernel's words, until it is put away. */
import { Button } from "./controls/Button";
import { Icon } from "./icons";
import { useView } from "./view";

export function Toasts() {
  const { session } = useView();
  return (
    <div class="toasts" role="alert" aria-live="assertive">
      {session.errors.list.value.map(({ key, message }) => (
        <div key={key} class="toast">
          <Icon name="warning" />
          <p class="data wrap">{message}</p>
          <Button label="Dismiss" icon="close" iconOnly mini kind="quiet" onClick={() => session.errors.dismiss(key)} />
        </div>
      ))}
    </div>
  );
}
