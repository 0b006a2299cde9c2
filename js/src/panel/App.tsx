/** One view: the plot with its toolbar and gallery, the panel beside it (below it where there is little room). */
import { takesPictures } from "./Find";
import { Gallery } from "./Gallery";
import { Help } from "./Help";
import { LabelBar } from "./LabelBar";
import { Panel } from "./Panel";
import { Plot } from "./Plot";
import { Resize, within } from "./Resize";
import { StatusBar } from "./StatusBar";
import { Toasts } from "./Toasts";
import { Toolbar } from "./Toolbar";
import { Viewer } from "./Viewer";
import { useView, type View, ViewProvider } from "./view";

export const App = ({ view }: { view: View }) => (
  <ViewProvider value={view}>
    <Layout />
  </ViewProvider>
);

/** `?`, except where it is typed. */
function askedForHelp(view: View, event: KeyboardEvent): void {
  if (event.key !== "?" || (event.composedPath()[0] as Element).matches("input, textarea, select")) return;
  view.help.value = true;
  event.preventDefault();
}

function Layout() {
  const view = useView();
  const { session } = view;
  const height = within(session.traits.height.value || 0);
  // Without points the words stand in the plot.
  const words = session.points.positions.value === null ? null : session.statusText.value;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: one key for all that is inside it
    <div
      class="lw"
      onKeyDown={(event) => askedForHelp(view, event)}
      style={{ "--height": `${height}px` }}
      data-gone={session.connection.gone.value || undefined}
    >
      {words !== null && (
        <p class="banner" role="status">
          {words}
        </p>
      )}
      <div class="layout">
        <section {...takesPictures(view)} class="stage" aria-label={`Explorer of ${session.info.dataset}`}>
          <Toolbar />
          <Plot />
          <LabelBar />
          <Gallery />
          <StatusBar />
        </section>
        <Panel />
      </div>
      <Viewer />
      <Help />
      <Toasts />
      <Resize />
    </div>
  );
}
