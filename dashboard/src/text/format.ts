/** Numbers and times for people. Times are in the viewer's time zone; titles have the full ISO text. */

const whole = new Intl.NumberFormat("en");

export function count(value: number): string {
  return whole.format(value);
}

/** "1 peer", "3 peers". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function percent(share: number): string {
  if (share > 0 && share < 0.01) return "<1%";
  if (share < 1 && share > 0.99) return ">99%";
  return `${Math.round(share * 100)}%`;
}

/** How long a step of a dial took. */
export function duration(seconds: number): string {
  if (seconds < 0.000_995) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.00995) return `${(seconds * 1e3).toFixed(1)} ms`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1e3)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(2)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return span(seconds);
}

/** A length of time in the unit that suits it: "5 s", "12 min", "3 h", "2 d". */
export function span(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 100) return `${Math.round(s)} s`;
  if (s < 100 * 60) return `${Math.round(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 1e6) return `${(size / 1e3).toFixed(1)} kB`;
  if (size < 1e9) return `${(size / 1e6).toFixed(1)} MB`;
  return `${(size / 1e9).toFixed(2)} GB`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** "14:03:22", preceded by the date unless it is the date of `nowUnix`. */
export function clockTime(unix: number, nowUnix: number): string {
  const time = new Date(unix * 1000);
  const text = `${twoDigits(time.getHours())}:${twoDigits(time.getMinutes())}:${twoDigits(time.getSeconds())}`;
  const now = new Date(nowUnix * 1000);
  const isToday = time.getDate() === now.getDate() && Math.abs(unix - nowUnix) < 86_400;
  if (isToday) return text;
  return `${time.getFullYear()}-${twoDigits(time.getMonth() + 1)}-${twoDigits(time.getDate())} ${text}`;
}

/** "14:03:22", preceded by month and day unless it is today: for the ends of a window. */
export function shortTime(unix: number, nowUnix: number): string {
  return clockTime(unix, nowUnix).replace(/^\d{4}-/, "");
}

/** Such as "in 5 min", "now", "5 min ago". */
export function fromNow(unix: number, nowUnix: number): string {
  const ahead = unix - nowUnix;
  if (Math.abs(ahead) < 1) return "now";
  return ahead > 0 ? `in ${span(ahead)}` : `${span(-ahead)} ago`;
}

export function iso(unix: number): string {
  const time = new Date(unix * 1000);
  return Number.isNaN(time.getTime()) ? String(unix) : time.toISOString();
}

/** "connection_refused" to "connection refused". */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}
