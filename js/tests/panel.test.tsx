/** The panel's own thinking: filters and their Python, names of tags, counts, options; and the cards in a small DOM. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Window } from "happy-dom";
import { MockKernel } from "../dev/kernel";
import { toCount, toPosition } from "../src/panel/Count";
import { brief, choices, newStrategy, STRATEGIES, targetNames } from "../src/panel/catalog";
import { draftsOf, joined, kindOf, newDraft, subjects, testsOf, toFilter } from "../src/panel/filters";
import { count, number, percent, plural, sampleWords, seconds } from "../src/panel/format";
import { countOf, freeName, suggestTag, tagProblem } from "../src/panel/names";
import type { FilterDict } from "../src/protocol";
import { Kernel } from "./kernel";

const { info } = new MockKernel({ n: 50 }).traits;

test("a sample says how many of it are new, pinned and preselected", () => {
  const before = (n: number, pinned: number) => ({ points: new Uint32Array(n), pinned });
  assert.equal(sampleWords(1, before(0, 0)), "1 sample");
  assert.equal(sampleWords(60, before(0, 0)), "60 samples");
  assert.equal(sampleWords(60, before(1, 1)), "60 new, 1 pinned");
  assert.equal(sampleWords(1_000, before(12, 2)), "1,000 new, 2 pinned, 10 preselected");
  assert.equal(sampleWords(2, before(3, 0)), "2 new, 3 preselected");
});

test("a class in a row is the dict that ClassificationQuery.match has", () => {
  const made = toFilter({ what: "class:labels", test: "has", value: "cat" }, info);
  assert.deepEqual(made, {
    op: "annotated",
    type: "classification",
    criteria: {
      op: "and",
      items: [
        { op: "compare", field: "class_name", cmp: "==", value: "cat" },
        { op: "compare", field: "annotation_source", cmp: "==", value: "labels" },
      ],
    },
  });
});

test("rows and filters turn into each other without loss", () => {
  for (const { value: what } of subjects(info)) {
    for (const { value: test, bare } of testsOf(kindOf(what, info))) {
      const draft = { ...newDraft(what, info), test };
      if (bare) draft.value = "";
      else draft.value = kindOf(what, info) === "number" ? "0.25" : "snow";
      const filter = joined([draft], "and", info);
      assert.ok(filter, `${what} ${test}`);
      assert.deepEqual(draftsOf(filter)?.drafts, [draft]);
      const both = joined([draft, draft], "or", info) as FilterDict;
      assert.deepEqual(draftsOf(both), { drafts: [draft, draft], joiner: "or" });
    }
  }
});

test("a row without its value asks for nothing, and a filter that rows cannot show is left alone", () => {
  assert.equal(toFilter({ what: "width", test: ">", value: "" }, info), null);
  assert.equal(toFilter({ what: "width", test: ">", value: "wide" }, info), null);
  assert.equal(joined([], "and", info), null);
  assert.equal(draftsOf({ op: "is_in", field: "width", values: [1] }), null);
  const nested: FilterDict = { op: "and", items: [{ op: "or", items: [{ op: "has_tag", tag: "x" }] }] };
  assert.equal(draftsOf(nested), null);
  const boxes: FilterDict = { op: "annotated", type: "object_detection", criteria: null };
  assert.equal(draftsOf(boxes), null, "a row would ask for annotations of any type");
  assert.equal(draftsOf({ op: "not", item: boxes }), null);
  assert.deepEqual(draftsOf({ ...boxes, type: null })?.drafts, [{ what: "class:", test: "any", value: "" }]);
});

test("a suggested tag is free, and a taken or missing name is told before it is sent", () => {
  const tags = (names: string[]) => ({ ...info, tags: names.map((name) => ({ name, count: 1 })) });
  const strategies = [
    { type: "diversity", strength: 1 },
    { type: "annotation_balancing", strength: 1 },
  ];
  assert.equal(suggestTag(strategies, 100, tags([])), "diverse-balanced-100");
  const taken = ["diverse-balanced-100", "diverse-balanced-100-2"];
  assert.equal(suggestTag(strategies, 100, tags(taken)), "diverse-balanced-100-3");
  assert.equal(freeName("old", tags(["old", "old-2"])), "old-3");
  assert.equal(countOf("old", tags(["old"])), 1);
  assert.equal(countOf("new", tags(["old"])), null);
  assert.equal(tagProblem("new"), null);
  assert.match(tagProblem("  ") ?? "", /needs a name/);
  assert.equal(tagProblem("\u{1f469}".repeat(255)), null);
  assert.match(tagProblem("x".repeat(256)) ?? "", /255/);
});

test("the slider's positions and counts agree from one sample to all", () => {
  for (const most of [1, 2, 10, 999, 1_000_000]) {
    assert.equal(toCount(1000, most), most);
    assert.equal(toCount(0, most), 1);
    let before = 0;
    for (let position = 0; position <= 1000; position++) {
      const here = toCount(position, most);
      assert.ok(here >= before && here >= 1 && here <= most);
      before = here;
    }
    for (const n of [1, Math.ceil(most / 3), most]) {
      const back = toCount(toPosition(n, most), most);
      assert.equal(back, n);
    }
  }
});

test("a new strategy has every option of its kind, set to something there is", () => {
  for (const spec of STRATEGIES) {
    const made = newStrategy(spec.type, info);
    assert.deepEqual(Object.keys(made), ["type", "strength", ...spec.options.map((option) => option.name)]);
    for (const option of spec.options) {
      const all = choices(option, info);
      const value = made[option.name];
      if (all.length > 0 && value !== null)
        assert.ok(
          all.some((choice) => choice.value === value),
          option.name,
        );
    }
    assert.equal(typeof brief(made, info), "string");
  }
  assert.deepEqual(targetNames(newStrategy("metadata_balancing", info), info), ["clear", "fog", "rain", "snow"]);
  const two = { ...info, embedding_models: ["a", "b"] };
  assert.equal(newStrategy("diversity", two).embedding_model_name, "a");
  assert.equal(newStrategy("diversity", info).embedding_model_name, null);
});

test("numbers read as people write them", () => {
  assert.equal(count(1234567), "1,234,567");
  assert.equal(plural(1, "sample"), "1 sample");
  assert.equal(plural(0, "sample"), "0 samples");
  assert.deepEqual([0, 0.00012, 0.1234567, 12, 1234.5, 1e12].map(number), [
    "0",
    "1.20e-4",
    "0.1235",
    "12",
    "1235",
    "1.00e+12",
  ]);
  assert.deepEqual([0, 0.0004, 0.055, 0.5, 1].map(percent), ["0 %", "<0.1 %", "5.5 %", "50 %", "100 %"]);
  assert.deepEqual([0, 0.02, 0.5, 12, 600].map(seconds), ["1 ms", "20 ms", "0.5 s", "12 s", "10 min"]);
});

const window = new Window();
for (const name of ["document", "HTMLElement", "Element", "Node", "Text", "SVGElement", "getSelection"] as const) {
  Object.assign(globalThis, { [name]: window[name as "document"] });
}
after(() => window.close());

test("a card asks again for its sample after a label was written", async () => {
  const { render } = await import("preact");
  const { useDetail } = await import("../src/panel/HoverCard");
  const { View, ViewProvider } = await import("../src/panel/view");
  const { Session } = await import("../src/session/session");
  const kernel = new Kernel();
  const life = new AbortController();
  const session = new Session(kernel.model, life.signal);
  const place = window.document.createElement("div") as unknown as HTMLElement;
  const Labels = () => <p>{useDetail(1)?.labels.join()}</p>;
  const view = new View(session, place as unknown as ShadowRoot, life.signal);
  render(
    <ViewProvider value={view}>
      <Labels />
    </ViewProvider>,
    place,
  );
  const until = async (holds: () => boolean) => {
    for (let tries = 0; tries < 200 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(holds());
  };
  const detail = { title: "t", text: null, fields: [], tags: [], thumbnail: null, mime: "" };
  const answer = (labels: string[]) =>
    kernel.say({ kind: "detail", point: 1, sample_id: "id-1", ...detail, labels }, kernel.last("detail").id, true);
  await until(() => kernel.of("detail").length === 1);
  answer(["cat"]);
  await until(() => place.textContent === "cat");
  void session.labels.give("dog", [1]);
  const labeled = { source: "my labels", class_name: "dog", count: 1, can_undo: true };
  kernel.say({ kind: "labeled", ...labeled }, kernel.last("label").id, true);
  await until(() => kernel.of("detail").length === 2);
  answer(["dog"]);
  await until(() => place.textContent === "dog");
  render(null, place);
  life.abort();
});

test("the panel draws itself and its changes reach the traits, without a plot", async () => {
  const { render } = await import("preact");
  const { Panel } = await import("../src/panel/Panel");
  const { View, ViewProvider } = await import("../src/panel/view");
  const { Session } = await import("../src/session/session");
  const kernel = new MockKernel({ n: 80, delay: 0, block: 0 });
  const life = new AbortController();
  const session = new Session(kernel as never, life.signal);
  const host = window.document.createElement("div");
  window.document.body.append(host);
  const place = host as unknown as HTMLElement;
  const view = new View(session, place as unknown as ShadowRoot, life.signal);
  const panel = (
    <ViewProvider value={view}>
      <Panel />
    </ViewProvider>
  );
  render(panel, place);
  const wait = (ms = 30) => new Promise((resolve) => setTimeout(resolve, ms));
  const click = (label: string) => {
    const all = [...place.querySelectorAll("button")];
    const button = all.find((one) => one.getAttribute("aria-label") === label || one.textContent === label);
    assert.ok(button, label);
    button.click();
  };
  await wait();
  assert.match(place.textContent ?? "", /From 80 samples/);
  click("Duplicate Diverse");
  await wait();
  assert.equal(kernel.traits.strategies.length, 2);
  assert.equal(place.querySelectorAll("article").length, 2);
  click("Remove Diverse");
  click("Sample");
  for (let tries = 0; tries < 200 && session.sampling.state.value.stopReason === null; tries++) await wait();
  assert.equal(session.picks.count.value, 80);
  assert.match(place.textContent ?? "", /Save as tag/);
  render(null, place);
  life.abort();
  assert.equal(place.childElementCount, 0);
  assert.equal(kernel.listenerCount, 0);
});
