// Connections: open ones page by page, those with the most traffic, slow ones, and
// closed ones with the reason.

import { el, choice, filterBox, setText } from "./dom.js";
import { Table } from "./table.js";
import { address, bytes, count, moment, rate, rtt, uptime } from "./format.js";
import { Rates } from "./rates.js";

const pageSize = 100;
const scanned = 1000; // connections looked at for a filter, and for the top talkers
const listed = 50; // top talkers, slow consumers

const client = (c) => [c.lang, c.version].filter(Boolean).join(" ");
const kind = (c) => (c.kind && c.kind !== "Client" ? c.kind : c.type || "nats");

const columns = [
  { head: "Id", num: true, value: (c) => c.cid, sort: "cid" },
  { head: "Name", code: true, value: (c) => c.name || "" },
  { head: "In msgs/s", num: true, value: (c) => rate(c.inRate), only: "open talkers" },
  { head: "Out msgs/s", num: true, value: (c) => rate(c.outRate), only: "open talkers" },
  { head: "Bytes/s", num: true, value: (c) => bytes(c.byteRate), only: "talkers" },
  { head: "Reason", value: (c) => c.reason || "", sort: "reason", only: "closed slow" },
  { head: "Closed", value: (c) => moment(c.stop), sort: "stop", only: "closed" },
  { head: "Pending", num: true, value: (c) => bytes(c.pending_bytes), sort: "pending", warn: (c) => c.pending_bytes > 1e6 },
  { head: "Stalls", num: true, value: (c) => count(c.stalls || 0), only: "slow" },
  { head: "RTT", num: true, value: (c) => rtt(c.rtt), sort: "rtt" },
  { head: "Subs", num: true, value: (c) => count(c.subscriptions), sort: "subs" },
  { head: "Msgs in", num: true, value: (c) => count(c.in_msgs), sort: "msgs_from" },
  { head: "Msgs out", num: true, value: (c) => count(c.out_msgs), sort: "msgs_to" },
  { head: "Bytes in", num: true, value: (c) => bytes(c.in_bytes), sort: "bytes_from" },
  { head: "Bytes out", num: true, value: (c) => bytes(c.out_bytes), sort: "bytes_to" },
  { head: "Idle", num: true, value: (c) => uptime(c.idle), sort: "idle", only: "open talkers slow" },
  { head: "Up", num: true, value: (c) => uptime(c.uptime), sort: "uptime" },
  { head: "Address", code: true, value: (c) => address(c.ip, c.port) },
  { head: "Kind", value: kind },
  { head: "Client", code: true, value: client },
  { head: "User", code: true, value: (c) => c.authorized_user || "" },
  { head: "Account", code: true, value: (c) => c.account || "$G" },
];

const texts = [
  ["open", "Open", "No connection is open."],
  ["talkers", "Top talkers", "No connection sends or receives anything now."],
  ["slow", "Slow", "No connection is behind, and none was closed for it lately."],
  ["closed", "Closed", "No connection has been closed yet."],
];

// What /connz sorts by first to last, not the other way round.
const ascending = ["cid", "uptime", "reason"];

const matches = (c, text) =>
  [c.cid, c.name, address(c.ip, c.port), kind(c), client(c), c.authorized_user, c.account, c.reason].some((v) =>
    String(v ?? "").toLowerCase().includes(text),
  );

export default {
  id: "connections",
  title: "Connections",
  mode: "open",
  sorts: { open: "cid", closed: "stop" },

  build(refresh) {
    this.refresh = refresh;
    this.offset = 0;
    this.filter = "";
    this.rates = new Rates();
    this.note = el("p", { className: "muted", role: "status" });
    this.table = new Table("Connections", columns.map((c) => ({ ...c })), "", (sort) => this.sortBy(sort));
    this.before = el("button", { type: "button" }, "Previous");
    this.after = el("button", { type: "button" }, "Next");
    this.before.addEventListener("click", () => this.turn(-1));
    this.after.addEventListener("click", () => this.turn(1));
    this.pager = el("div", { className: "pager" }, this.before, this.after);
    this.arrange();
    return [
      el("div", { className: "tools" },
        choice("Which connections", texts, this.mode, (mode) => this.change(mode)),
        filterBox("Filter by name, address, user …", (text) => {
          this.filter = text;
          this.offset = 0;
          clearTimeout(this.typing);
          this.typing = setTimeout(this.refresh, 250);
        }),
      ),
      el("section", { className: "card flush" }, this.table.element),
      el("div", { className: "tools" }, this.note, this.pager),
    ];
  },

  get paged() {
    return this.mode in this.sorts;
  },

  // arrange fits table and pager to the mode.
  arrange() {
    const sort = this.sorts[this.mode];
    this.table.columns((c) => !c.only || c.only.split(" ").includes(this.mode));
    this.table.mark(sort, ascending.includes(sort) ? "ascending" : "descending");
    this.table.say(texts.find(([mode]) => mode === this.mode)[2]);
    this.pager.hidden = !this.paged;
  },

  change(mode) {
    this.mode = mode;
    this.offset = 0;
    this.rates = new Rates();
    this.table.update([]);
    this.arrange();
    this.table.say("…");
    this.refresh();
  },

  sortBy(sort) {
    if (!this.paged) return;
    this.sorts[this.mode] = sort;
    this.offset = 0;
    this.arrange();
    this.refresh();
  },

  turn(by) {
    this.offset = Math.max(0, this.offset + by * this.size());
    this.refresh();
  },

  size() {
    return this.filter ? scanned : pageSize;
  },

  async update({ get }) {
    const mode = this.mode;
    const load = { open: this.loadPage, closed: this.loadPage, talkers: this.loadTalkers, slow: this.loadSlow }[mode];
    const { rows, note } = await load.call(this, get);
    if (mode !== this.mode) return;
    this.arrange();
    if (this.filter && rows.length) this.table.say("Nothing matches the filter.");
    const shown = this.filter ? rows.filter((c) => matches(c, this.filter)) : rows;
    this.table.update(shown);
    setText(this.note, this.filter ? `${count(shown.length)} match. ${note}` : note);
  },

  async loadPage(get) {
    const size = this.size();
    const r = await get(`connz?auth=1&state=${this.mode}&sort=${this.sorts[this.mode]}&offset=${this.offset}&limit=${size}`);
    const rows = this.withRates(r);
    this.before.disabled = this.offset === 0;
    this.after.disabled = this.offset + rows.length >= r.total;
    const range = rows.length ? `${count(this.offset + 1)} to ${count(this.offset + rows.length)}` : "None";
    return { rows, note: `${range} of ${count(r.total)}.` };
  },

  // Those that were active last are looked at, so whoever sends much now is among them.
  async loadTalkers(get) {
    const r = await get(`connz?auth=1&sort=last&limit=${scanned}`);
    const known = this.withRates(r).filter((c) => c.byteRate !== null);
    const rows = known.filter((c) => c.inRate + c.outRate > 0);
    rows.sort((a, b) => b.inRate + b.outRate - (a.inRate + a.outRate));
    const note = known.length ? "The most messages per second, in and out, since the last poll." : "Wait for a second poll …";
    if (!known.length) this.table.say("Rates are known after a second poll.");
    return { rows: rows.slice(0, listed), note };
  },

  async loadSlow(get) {
    const [open, closed] = await Promise.all([
      get(`connz?auth=1&sort=pending&limit=${listed}`),
      get(`connz?auth=1&state=closed&sort=stop&limit=${scanned}`),
    ]);
    const behind = open.connections.filter((c) => c.pending_bytes > 0 || c.stalls > 0);
    const cut = closed.connections.filter((c) => c.reason.startsWith("Slow Consumer"));
    const note = `${count(behind.length)} with bytes pending or publishers that waited, ${count(cut.length)} closed lately for being slow.`;
    return { rows: [...behind, ...cut.slice(0, listed)], note };
  },

  withRates(r) {
    this.rates.begin(r.now);
    return (r.connections || []).map((c) => {
      const per = (name) => this.rates.of(`${c.cid} ${name}`, c[name]);
      const inBytes = per("in_bytes");
      const outBytes = per("out_bytes");
      const byteRate = inBytes === null || outBytes === null ? null : inBytes + outBytes;
      return { ...c, inRate: per("in_msgs"), outRate: per("out_msgs"), byteRate };
    });
  },
};
