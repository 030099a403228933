// Accounts: who uses the server, and how much.

import { el, filterBox } from "./dom.js";
import { Table } from "./table.js";
import { bytes, count, rate } from "./format.js";
import { Rates } from "./rates.js";

const columns = [
  { head: "Account", code: true, value: (a) => (a.name && a.name !== a.acc ? `${a.name} (${a.acc})` : a.acc) },
  { head: "Connections", num: true, value: (a) => count(a.conns) },
  { head: "Leafnodes", num: true, value: (a) => count(a.leafnodes) },
  { head: "Subscriptions", num: true, value: (a) => count(a.num_subscriptions) },
  { head: "Received/s", num: true, value: (a) => rate(a.receivedRate) },
  { head: "Sent/s", num: true, value: (a) => rate(a.sentRate) },
  { head: "Received bytes/s", num: true, value: (a) => bytes(a.receivedBytes) },
  { head: "Sent bytes/s", num: true, value: (a) => bytes(a.sentBytes) },
  { head: "Received", num: true, value: (a) => count(a.received.msgs) },
  { head: "Sent", num: true, value: (a) => count(a.sent.msgs) },
  { head: "Slow consumers", num: true, value: (a) => count(a.slow_consumers), warn: (a) => a.slow_consumers > 0 },
];

export default {
  id: "accounts",
  title: "Accounts",

  build() {
    this.filter = "";
    this.accounts = null;
    this.rates = new Rates();
    this.table = new Table("Accounts", columns, "…");
    const filter = filterBox("Filter by account", (text) => {
      this.filter = text;
      this.show();
    });
    return [
      el("div", { className: "tools" }, filter),
      el("section", { className: "card flush" }, this.table.element),
      el("p", { className: "muted" }, "Received is what the server got from connections of the account, sent is what it delivered to them. Rates are in messages per second."),
    ];
  },

  async update({ get }) {
    const r = await get("accstatz?unused=1");
    this.rates.begin(r.now);
    this.accounts = (r.account_statz || []).map((a) => ({
      ...a,
      receivedRate: this.rates.of(`${a.acc} r`, a.received.msgs),
      sentRate: this.rates.of(`${a.acc} s`, a.sent.msgs),
      receivedBytes: this.rates.of(`${a.acc} rb`, a.received.bytes),
      sentBytes: this.rates.of(`${a.acc} sb`, a.sent.bytes),
    }));
    this.accounts.sort((a, b) => (b.receivedRate ?? 0) + (b.sentRate ?? 0) - (a.receivedRate ?? 0) - (a.sentRate ?? 0) || a.acc.localeCompare(b.acc));
    this.show();
  },

  show() {
    if (!this.accounts) return;
    const rows = this.accounts.filter((a) => `${a.acc} ${a.name ?? ""}`.toLowerCase().includes(this.filter));
    this.table.say(this.accounts.length ? "Nothing matches the filter." : "There are no accounts.");
    this.table.update(rows);
  },
};
