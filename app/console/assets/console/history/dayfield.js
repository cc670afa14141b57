import { html, useEffect, useRef } from "../lib.js";
import { useKept } from "../parts/kept.js";

const TYPED = 700; // milliseconds after the last key: a year passes through 0002 and 0020 while it is typed

/** A field for a day, told when the day is whole: at once from the calendar, by Enter, or a moment after the last key. */
export function DayField({ id, label, value, onDay }) {
  const timer = useRef(0);
  const field = useKept(value.slice(0, 10));
  useEffect(() => () => clearTimeout(timer.current), []);
  function tell() {
    clearTimeout(timer.current);
    const { value: day, validity } = field.current;
    if (validity.valid && day !== value.slice(0, 10) && (day === "" || day >= "1900")) onDay(day);
  }
  function changed() {
    clearTimeout(timer.current);
    timer.current = setTimeout(tell, TYPED);
  }
  return html`
    <input
      ref=${field}
      id=${id}
      type="date"
      aria-label=${label}
      onChange=${changed}
      onBlur=${tell}
      onKeyDown=${(event) => event.key === "Enter" && tell()}
    />
  `;
}
