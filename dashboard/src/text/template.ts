/** Parses the template of a sentence (`model/wording/text.py`): `{name}` is a value, and doubled braces are braces. */

export type Part = { text: string; name: null } | { text: null; name: string };

export function parts(template: string): Part[] {
  const found: Part[] = [];
  let literal = "";
  let end = 0;
  for (const match of template.matchAll(/\{\{|\}\}|\{(\w+)\}/g)) {
    literal += template.slice(end, match.index);
    end = match.index + match[0].length;
    if (match[1] === undefined) {
      literal += match[0][0];
      continue;
    }
    if (literal) found.push({ text: literal, name: null });
    found.push({ text: null, name: match[1] });
    literal = "";
  }
  literal += template.slice(end);
  if (literal) found.push({ text: literal, name: null });
  return found;
}
