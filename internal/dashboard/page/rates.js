// Rates are differences of counters between two reports, divided by the time between.

export class Rates {
  #last = new Map();
  #at = 0;
  #span = 0;
  #next = new Map();

  // begin starts a report made at the time given.
  begin(now) {
    const at = Date.parse(now);
    this.#span = this.#at ? (at - this.#at) / 1000 : 0;
    this.#at = at;
    this.#last = this.#next;
    this.#next = new Map();
  }

  // of returns the rate of a counter, or null if it is not known: the first time, and
  // when the counter began anew.
  of(key, counter) {
    const before = this.#last.get(key);
    this.#next.set(key, counter);
    if (before === undefined || this.#span <= 0 || counter < before) return null;
    return (counter - before) / this.#span;
  }
}
