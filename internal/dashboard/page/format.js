// Figures as people read them.

const scale = (n, step, units) => {
  let i = 0;
  while (Math.abs(n) >= step * 0.9995 && i < units.length - 1) {
    n /= step;
    i++;
  }
  return [n, units[i]];
};

// digits shows three significant digits, no more decimals than two.
const digits = (n) => {
  const a = Math.abs(n);
  if (a >= 99.95 || Number.isInteger(n)) return n.toFixed(0);
  return n.toFixed(a >= 9.995 ? 1 : 2);
};

// count: 1,234 and 1.23 M.
export function count(n) {
  if (n == null) return "–";
  if (Math.abs(n) < 1e5) return Math.round(n).toLocaleString("en");
  const [v, unit] = scale(n, 1000, ["", " k", " M", " G", " T", " P"]);
  return digits(v) + unit;
}

// rate: per second.
export function rate(n) {
  if (n == null || !Number.isFinite(n)) return "–";
  if (n === 0) return "0";
  if (n < 0.1) return "<0.1";
  if (n < 100) return n.toFixed(1);
  return count(n);
}

// bytes: 1.50 MB. Without a decimal for single bytes.
export function bytes(n) {
  if (n == null || !Number.isFinite(n)) return "–";
  const [v, unit] = scale(n, 1000, [" B", " kB", " MB", " GB", " TB", " PB"]);
  return (unit === " B" ? v.toFixed(0) : digits(v)) + unit;
}

// size is bytes of something that is configured, mostly a power of two.
export function size(n) {
  for (const [unit, name] of [[2 ** 30, " GiB"], [2 ** 20, " MiB"], [2 ** 10, " KiB"]]) {
    if (n >= unit && n % unit === 0) return count(n / unit) + name;
  }
  return bytes(n);
}

export const percent = (n) => (n >= 99.5 ? n.toFixed(0) : n.toFixed(1)) + " %";

// uptime takes the two largest units of a text like 3d4h5m6s.
export function uptime(text) {
  const parts = (text || "").match(/\d+[ydhms]/g);
  return parts ? parts.slice(0, 2).join(" ") : "–";
}

// rtt rounds a duration like 1.280738ms; 0s means unknown.
export function rtt(text) {
  const us = micros(text);
  if (us === null) return "–";
  if (us < 1000) return digits(Math.round(us)) + " µs";
  if (us < 1e6) return digits(us / 1000) + " ms";
  return digits(us / 1e6) + " s";
}

// micros is a duration in microseconds, or null if there is none.
export function micros(text) {
  const units = { h: 3.6e9, m: 6e7, s: 1e6, ms: 1000, "µs": 1, us: 1, ns: 0.001 };
  let sum = 0;
  for (const [, n, unit] of (text || "").matchAll(/([\d.]+)(ms|µs|us|ns|h|m|s)/g)) sum += n * units[unit];
  return sum || null;
}

// clock is the time of day of milliseconds or of a text.
export const clock = (t) => new Date(t).toLocaleTimeString("en-GB");

// moment is date and time.
export function moment(t) {
  const d = new Date(t);
  if (Number.isNaN(d.getTime())) return "–";
  const day = `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
  return `${day} ${clock(d)}`;
}

// address joins host and port.
export function address(ip, port) {
  if (!ip) return "in process";
  return (ip.includes(":") ? `[${ip}]` : ip) + ":" + port;
}
