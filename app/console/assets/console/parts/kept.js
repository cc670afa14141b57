import { useLayoutEffect, useRef } from "../lib.js";

/**
 * The ref of a field that shows the value whenever that changes. What is being typed stays meanwhile, however often the
 * component is drawn: with `value` as a property it would be written over.
 */
export function useKept(value) {
  const field = useRef(null);
  useLayoutEffect(() => {
    field.current.value = value;
  }, [value]);
  return field;
}
