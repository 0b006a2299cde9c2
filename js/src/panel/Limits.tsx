/** What a sample must keep to, whatever its strategies: at most so many of a group, a gap, a budget. */
import { type Info, type LimitDict, MAX_LIMITS } from "../protocol";
import { Button } from "./controls/Button";
import { Section } from "./controls/boxes";
import { NumberField } from "./controls/fields";
import { Menu } from "./controls/Menu";
import { Select } from "./controls/Select";
import { count } from "./format";
import { useView } from "./view";

type LimitType = LimitDict["type"];
type Entry = Info["metadata"][number];

/** The smallest number that a gap or a budget can be. */
const LEAST = 1e-300;

const KINDS: { type: LimitType; title: string; hint: string }[] = [
  { type: "at_most", title: "At most per group", hint: "No more than so many samples of one video, city or camera" },
  { type: "gap", title: "Gap", hint: "Samples differ by at least so much, as frames by five seconds" },
  { type: "budget", title: "Budget", hint: "The new samples cost at most so much together: seconds, money" },
];

const isGroup = ({ type }: Entry) => type !== "other";
const isNumber = ({ type }: Entry) => type === "number";
const keys = (info: Info, fits: (entry: Entry) => boolean) => info.metadata.filter(fits).map(({ key }) => key);
/** Groups by what they look like: words first. */
const groups = ({ metadata }: Info) => {
  const words = metadata.filter((entry) => isGroup(entry) && !isNumber(entry));
  return [...words, ...metadata.filter(isNumber)].map(({ key }) => key);
};

/** Times can be compared, and are what else a key may hold. */
const measures = (info: Info) => [...keys(info, isNumber), ...keys(info, ({ type }) => type === "other")];

function newLimit(type: LimitType, info: Info): LimitDict {
  if (type === "at_most") return { type, metadata_key: groups(info)[0], most: 1 };
  if (type === "gap") return { type, metadata_key: measures(info)[0], least: 1, within: null };
  return { type, metadata_key: keys(info, isNumber)[0], total: 100 };
}

function whyNot(type: LimitType, info: Info): string | undefined {
  if (type === "at_most") return groups(info).length > 0 ? undefined : "Needs metadata: a group for each sample.";
  const has = (type === "gap" ? measures(info) : keys(info, isNumber)).length > 0;
  return has ? undefined : "Needs metadata that is a number for each sample.";
}

export function Limits() {
  const { session } = useView();
  const { info } = session;
  const limits = session.traits.limits.value ?? [];
  const set = (next: LimitDict[]) => session.set("limits", next);
  return (
    <Section
      title="Limits"
      aside={
        <Menu
          label="Limit"
          icon="plus"
          mini
          kind="quiet"
          disabled={limits.length >= MAX_LIMITS}
          items={KINDS.map(({ type, title, hint }) => ({
            key: type,
            title,
            hint: whyNot(type, info) ?? hint,
            disabled: whyNot(type, info) !== undefined,
            onSelect: () => set([...limits, newLimit(type, info)]),
          }))}
        />
      }
    >
      {limits.length > 0 && (
        <ul class="stack limits" aria-label="Limits in use">
          {limits.map((limit, index) => (
            <li key={index} class="row tight limit">
              <Limit limit={limit} info={info} onChange={(next) => set(limits.with(index, next))} />
              <Button
                label="Remove this limit"
                icon="close"
                iconOnly
                mini
                kind="quiet"
                onClick={() => set(limits.toSpliced(index, 1))}
              />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

interface LimitProps {
  limit: LimitDict;
  info: Info;
  onChange(limit: LimitDict): void;
}

/** A limit as a sentence with fields in it. */
function Limit({ limit, info, onChange }: LimitProps) {
  const key = (options: string[]) => (
    <Key
      label="Metadata"
      value={limit.metadata_key}
      options={options}
      onChange={(to) => onChange({ ...limit, metadata_key: to ?? "" })}
    />
  );
  if (limit.type === "at_most") {
    const most = (next: number | null) => next && onChange({ ...limit, most: Math.max(1, Math.round(next)) });
    return (
      <>
        <span class="muted small">at most</span>
        <NumberField label="At most" bare class="num" value={limit.most} min={1} format={count} onChange={most} />
        <span class="muted small">per</span>
        {key(groups(info))}
      </>
    );
  }
  if (limit.type === "budget") {
    const total = (next: number | null) => next && onChange({ ...limit, total: Math.max(LEAST, next) });
    return (
      <>
        <span class="muted small">at most</span>
        <NumberField label="Budget" bare class="num" value={limit.total} onChange={total} />
        <span class="muted small">of</span>
        {key(keys(info, isNumber))}
      </>
    );
  }
  const least = (next: number | null) => next && onChange({ ...limit, least: Math.max(LEAST, next) });
  return (
    <>
      <NumberField label="Gap" bare class="num" value={limit.least} onChange={least} />
      <span class="muted small">apart in</span>
      {key(measures(info))}
      <Key
        label="Within"
        value={limit.within ?? null}
        options={groups(info)}
        none="anywhere"
        each="within "
        onChange={(within) => onChange({ ...limit, within })}
      />
    </>
  );
}

interface KeyProps {
  label: string;
  value: string | null;
  options: string[];
  /** What null reads as, where it may be chosen. */
  none?: string;
  each?: string;
  onChange(key: string | null): void;
}

/** Positions stand for the names, so that any name can be chosen. */
function Key({ label, value, options, none, each = "", onChange }: KeyProps) {
  const all: (string | null)[] = none === undefined ? [...options] : [null, ...options];
  if (!all.includes(value)) all.push(value);
  return (
    <Select
      label={label}
      bare
      value={String(all.indexOf(value))}
      options={all.map((name, index) => ({ value: String(index), label: name === null ? (none ?? "") : each + name }))}
      onChange={(index) => onChange(all[Number(index)])}
    />
  );
}
