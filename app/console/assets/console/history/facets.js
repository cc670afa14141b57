import { count, plural, score } from "../formats.js";
import { html, useId, useState } from "../lib.js";
import { Icon } from "../parts/icons.js";
import { address } from "../page.js";
import { useKept } from "../parts/kept.js";
import { QUEUE, readCondition, STATES, write } from "../view.js";
import { Bars } from "./bars.js";
import { DayField } from "./dayfield.js";

const toggled = (list, value) => (list.includes(value) ? list.filter((other) => other !== value) : [...list, value]);

function Reviews({ view, reviews, narrow }) {
  const counts = new Map(reviews?.reviewCounts.map(({ state, count: number }) => [state, number]));
  const total = [...counts.values()].reduce((sum, number) => sum + number, 0);
  const open = counts.get("UNREVIEWED") ?? 0;
  const done = total - open;
  return html`
    <section>
      <h2>Review</h2>
      ${total > 0 &&
      html`<p class="progress-line">
        <progress max=${total} value=${done} aria-label="Reviewed"></progress>
        <span>${count(done)} of ${count(total)} reviewed</span>
      </p>`}
      <${Bars}
        name="Review state"
        rows=${STATES.map((state) => ({ key: state, label: state[0] + state.slice(1).toLowerCase(), count: counts.get(state) }))}
        chosen=${view.states}
        onToggle=${(state) => narrow({ states: toggled(view.states, state) })}
      />
      <a class="queue" href=${address(write({ ...view, ...QUEUE_OF(view) }))}>Review, least certain first<${Icon} name="right" /></a>
    </section>
  `;
}

/** The queue keeps what else narrows the view. */
const QUEUE_OF = (view) => ({
  states: QUEUE.states,
  order: QUEUE.order,
  grid: view.grid,
  after: "",
  before: "",
  at: "",
  end: false,
  peek: "",
});

/** Bins from the highest to the lowest; the upper edge of each belongs to the next one, but for 1. */
function binsOf(scores) {
  const bins = scores?.confidenceDistribution ?? [];
  return bins.map(({ range, count: number }) => ({ key: range, label: range.replace("-", " – "), count: number })).reverse();
}

const binOf = ({ min, below, max }) =>
  min === null || (below === null && max !== 1) ? [] : [`${min.toFixed(1)}-${(below ?? max).toFixed(1)}`];

function Scores({ view, scores, narrow }) {
  const chosen = binOf(view);
  function toggle(range) {
    if (chosen.includes(range)) return narrow({ min: null, max: null, below: null });
    const [min, upper] = range.split("-").map(Number);
    return narrow({ min, below: upper === 1 ? null : upper, max: upper === 1 ? 1 : null });
  }
  const unscored = scores && scores.totalCount - scores.scoredCount;
  return html`
    <section>
      <h2>Score</h2>
      <${Bars} name="Score" rows=${binsOf(scores)} chosen=${chosen} onToggle=${toggle} />
      <div class="between">
        <${ScoreField} label="Lowest score" placeholder="0" value=${view.min} onScore=${(min) => narrow({ min })} />
        <span aria-hidden="true">–</span>
        <${ScoreField} label="Highest score" placeholder="1" value=${view.max ?? view.below} onScore=${(max) => narrow({ max, below: null })} />
      </div>
      ${unscored > 0 && html`<p class="faint small">${plural(unscored, "result")} without a score</p>`}
      ${(view.min !== null || view.max !== null || view.below !== null) &&
      html`<label class="choice"><input type="checkbox" checked=${view.unscored} onChange=${(event) => narrow({ unscored: event.target.checked })} />Also those without a score</label>`}
    </section>
  `;
}

function ScoreField({ label, placeholder, value, onScore }) {
  const field = useKept(value ?? "");
  const changed = (event) => {
    const { value: text, validity } = event.target;
    if (validity.valid) onScore(text === "" ? null : Number(text));
  };
  return html`<input ref=${field} type="number" min="0" max="1" step="any" aria-label=${label} title=${value === null ? label : score(value)} placeholder=${placeholder} onChange=${changed} />`;
}

function Named({ title, field, rows, view, narrow, truncated }) {
  return html`
    <section>
      <h2>${title}</h2>
      <${Bars}
        name=${title}
        rows=${rows}
        chosen=${view[field]}
        truncated=${truncated}
        onToggle=${(value) => narrow({ [field]: toggled(view[field], value) })}
      />
    </section>
  `;
}

function Times({ view, narrow }) {
  const [from, to] = [useId(), useId()];
  return html`
    <section>
      <h2>Time <span class="faint">UTC</span></h2>
      <div class="dates">
        <label for=${from}>From</label><${DayField} id=${from} value=${view.from} onDay=${(day) => narrow({ from: day })} />
        <label for=${to}>To</label><${DayField} id=${to} value=${view.to} onDay=${(day) => narrow({ to: day })} />
      </div>
    </section>
  `;
}

function Metadata({ view, narrow }) {
  const [trouble, setTrouble] = useState("");
  const described = useId();
  function submitted(event) {
    event.preventDefault();
    const field = event.target.elements.condition;
    const condition = readCondition(field.value);
    if (!condition) return setTrouble("Write path=value, such as model=v2 or camera.iso=100.");
    setTrouble("");
    field.value = "";
    return narrow({ metadata: [...view.metadata, condition] });
  }
  return html`
    <section>
      <h2>Metadata</h2>
      <form class="condition" onSubmit=${submitted}>
        <input name="condition" aria-label="Metadata, as path=value" placeholder="model=v2" autocapitalize="off" spellcheck=${false} aria-describedby=${described} aria-invalid=${Boolean(trouble)} />
        <button type="submit">Add</button>
      </form>
      <p id=${described} class="small refused" role="alert">${trouble}</p>
    </section>
  `;
}

/** Everything that narrows the view, with how many results each choice has. Every choice is a step of the history. */
export function Facets({ view, statistics, narrow }) {
  const [open, setOpen] = useState(false);
  const { reviews, scores, types, sources } = statistics;
  const typeRows = types?.typeDistribution.map(({ type, count: number }) => ({ key: type, label: type, count: number }));
  const sourceRows = sources?.sourceDistribution.map((row) => ({ key: row.sourceType, label: row.sourceType, count: row.count }));
  return html`
    <aside class="facets" aria-label="Filters" data-open=${open ? "" : undefined}>
      <button class="facets-toggle" aria-expanded=${open} onClick=${() => setOpen(!open)}><${Icon} name="filter" />Filters</button>
      <div class="facets-body">
        <${Reviews} view=${view} reviews=${reviews} narrow=${narrow} />
        <${Scores} view=${view} scores=${scores} narrow=${narrow} />
        <${Named} title="Type" field="types" rows=${typeRows} view=${view} narrow=${narrow} truncated=${types?.truncated} />
        <${Named} title="Source" field="sources" rows=${sourceRows} view=${view} narrow=${narrow} truncated=${sources?.truncated} />
        <${Times} view=${view} narrow=${narrow} />
        <section>
          <h2>Status</h2>
          <label class="choice"><input type="checkbox" checked=${view.failed} onChange=${(event) => narrow({ failed: event.target.checked })} />Failed ones too</label>
        </section>
        <${Metadata} view=${view} narrow=${narrow} />
      </div>
    </aside>
  `;
}
