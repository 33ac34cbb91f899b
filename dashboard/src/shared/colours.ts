/** Colours of names. Each is a CSS variable, so that it follows the theme. Nothing is ever shown by colour alone. */

import { signal } from "@preact/signals";

const SERIES = Array.from({ length: 9 }, (_, index) => `--series-${index + 1}`);
const REST = "--series-rest";
const SUCCESS = "--good";

const given = signal<ReadonlyMap<string, string>>(new Map());

/** Gives each name a colour while there are any left. A name keeps its colour, so that it is the same in every chart. */
export function giveColours(names: readonly string[]): void {
  const fresh = names.filter((name) => !given.peek().has(name));
  const free = SERIES.slice(given.peek().size);
  const pairs = fresh.flatMap((name, index) => (free[index] ? [[name, free[index]] as const] : []));
  if (pairs.length > 0) given.value = new Map([...given.peek(), ...pairs]);
}

/** The CSS variable with the colour of a reason or source. */
export function colourName(name: string): string {
  return name === "succeeded" ? SUCCESS : (given.value.get(name) ?? REST);
}

export function colour(name: string): string {
  return `var(${colourName(name)})`;
}

/** The colour itself, for a canvas, which cannot use CSS variables. */
export function canvasColour(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}
