/**
 * Makes text from peers harmless to look at. A peer can send anything: text that reverses the direction of a line,
 * invisible characters, or a megabyte. Everything that may come from a peer is shown through `visible`.
 */

/**
 * Characters that are invisible or change how their neighbours look: control, format, private, unassigned and surrogate
 * code points, line separators, ignorable ones (fillers, variation selectors, tags), and every space except the plain
 * one.
 */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;

/** Matches nearly all texts, and is faster to check. */
const PLAIN = /^[\x20-\x7e]*$/;

function asEscape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\u{${code.toString(16)}}`;
}

/** `text` with every invisible character as an escape, such as `\u202e`. */
export function visible(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(INVISIBLE, asEscape);
}

/** The first `limit` characters of `text`, made visible. Never splits a surrogate pair. */
export function visibleStart(text: string, limit: number): { shown: string; cut: boolean } {
  if (text.length <= limit) return { shown: visible(text), cut: false };
  const code = text.charCodeAt(limit - 1);
  const end = code >= 0xd800 && code <= 0xdbff ? limit - 1 : limit;
  return { shown: visible(text.slice(0, end)), cut: true };
}

/** For a title or an aria-label, which cannot be expanded: `text` made visible and cut after `limit` characters. */
export function visibleLabel(text: string, limit = 120): string {
  const { shown, cut } = visibleStart(text, limit);
  return cut ? `${shown}…` : shown;
}
