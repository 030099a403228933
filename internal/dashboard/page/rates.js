// Rates are differences of counters between two reports, divided by the time between.

const shortest = 1000; // milliseconds; over less, rates are noise

export class Rates {
  #base = { at: 0, values: new Map() };
  #latest = { at: 0, values: new Map() };

  // begin starts a report made at the time given. If it comes soon after the one
  // before, it is compared with an older one.
  begin(now) {
    const at = Date.parse(now);
    if (at - this.#latest.at >= shortest) this.#base = this.#latest;
    this.#latest = { at, values: new Map() };
  }

  // of returns the rate of a counter, or null if it is not known: the first time, and
  // when the counter began anew.
  of(key, counter) {
    const before = this.#base.values.get(key);
    const span = (this.#latest.at - this.#base.at) / 1000;
    this.#latest.values.set(key, counter);
    if (before === undefined || span <= 0 || counter < before) return null;
    return (counter - before) / span;
  }
}
