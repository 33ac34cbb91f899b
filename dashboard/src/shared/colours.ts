/** Colours of names. Each is a CSS variable, so that it follows the theme; none is ever the only sign of anything. */

/** Paul Tol's "muted" scheme: told apart by colour-blind people too. */
const SERIES = Array.from({ length: 9 }, (_, index) => `--series-${index + 1}`);
const REST = "--series-rest";
const SUCCESS = "--good";

const given = new Map<string, string>([
  ["succeeded", SUCCESS],
  ["other", REST],
]);

/** The colour of a reason, source or kind: first come, first served, and the same in every picture. */
export function colourName(name: string): string {
  const known = given.get(name);
  if (known) return known;
  const colour = SERIES[given.size - 2] ?? REST;
  given.set(name, colour);
  return colour;
}

export function colour(name: string): string {
  return `var(${colourName(name)})`;
}

/** For a canvas, which knows no variables. */
export function canvasColour(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}
