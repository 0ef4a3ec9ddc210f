// Figures, times and durations as people read them.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

export const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
export const count = (value) => (isNumber(value) ? whole.format(value) : '–');
export const short = (value) => (isNumber(value) ? compact.format(value) : '–');
export const atLeastZero = (value) => (isNumber(value) && value > 0 ? value : 0);
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
export const pace = (perMinute) => (perMinute < 10 ? tenth : whole).format(perMinute);
export const sentence = (words) => (words ? words[0].toUpperCase() + words.slice(1) : '');

export function money(value, currency) {
  if (!isNumber(value)) return '–';
  const digits = Math.abs(value) < 1 ? 4 : 2;
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency, minimumFractionDigits: 2, maximumFractionDigits: digits }).format(value);
  } catch {
    return `${value.toFixed(digits)} ${currency ?? ''}`.trim(); // no currency that browsers know
  }
}

export function bytes(value) {
  if (!isNumber(value)) return '–';
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let size = value;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? whole.format(size) : tenth.format(size)} ${units[unit]}`;
}

const two = (n) => String(n).padStart(2, '0');
export const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;

/** Null of what is no time. */
export function instant(value) {
  if (value === null || value === undefined) return null;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** 11:36 today, 24 Nov at 11:36 on any other day. */
export function moment(date, seconds = false) {
  const time = seconds ? clock(date) : clock(date).slice(0, 5);
  return date.toDateString() === new Date().toDateString() ? time : `${day.format(date)} at ${time}`;
}

/** 812 ms, 1.2 s, 5 min 41 s, 3 h 5 min, 2 d 4 h. */
export function duration(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${tenth.format(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const [large, small, big, little] = seconds < 3600 ? [60, 1, 'min', 's'] : seconds < 172_800 ? [3600, 60, 'h', 'min'] : [86_400, 3600, 'd', 'h'];
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${big}${rest > 0 ? ` ${rest} ${little}` : ''}`;
}

/** The unit that a time left is told in, so that both ends of a spread are told in the same. */
function unitOf(ms) {
  if (ms < 90_000) return [1000, 'second'];
  if (ms < 90 * 60_000) return [60_000, 'minute'];
  if (ms < 36 * 3_600_000) return [3_600_000, 'hour'];
  return [86_400_000, 'day'];
}

/** About 6 minutes left, 5 to 8. */
export function timeLeft(ms, earliestMs, latestMs) {
  const [length, name] = unitOf(ms);
  const at = Math.max(1, Math.round(ms / length));
  const from = Math.max(1, Math.round(earliestMs / length));
  const to = Math.max(1, Math.round(latestMs / length));
  const left = `about ${plural(at, name)} left`;
  return isNumber(from) && isNumber(to) && from !== to ? `${left}, ${from} to ${to}` : left;
}
