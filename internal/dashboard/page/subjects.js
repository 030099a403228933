// Which subjects flow now, estimated by the server while somebody looks.

import { el, choice, filterBox, setText } from "./dom.js";
import { Table } from "./table.js";
import { bytes, count, percent, rate } from "./format.js";

const columns = [
  { head: "Subject", code: true, value: (r) => (r.tokens ? `${r.subject}.>` : r.subject) },
  { head: "Msgs/s", num: true, value: (r) => rate(r.msgs) },
  { head: "Share", num: true, value: (r) => percent(100 * r.share), bar: (r) => r.share },
  { head: "Bytes/s", num: true, value: (r) => bytes(r.bytes) },
  { head: "Account", code: true, value: (r) => r.account },
];

const depths = [
  [0, "Subjects"],
  [1, "a.>"],
  [2, "a.b.>"],
  [3, "a.b.c.>"],
];

export default {
  id: "subjects",
  title: "Subjects",
  depth: 0,

  build() {
    this.filter = "";
    this.report = null;
    this.note = el("p", { className: "muted", role: "status" });
    this.table = new Table("Subjects", columns, "Looking …");
    return [
      el("div", { className: "tools" },
        choice("Whole subjects, or what they begin with", depths, this.depth, (depth) => {
          this.depth = depth;
          this.show();
        }),
        filterBox("Filter by subject or account", (text) => {
          this.filter = text;
          this.show();
        }),
      ),
      el("section", { className: "card flush" }, this.table.element),
      this.note,
      el("p", { className: "muted" },
        "The server looks at one message of each read while this section is open, and at none otherwise. Rates are estimates over the last seconds of what clients publish; inboxes count as one subject.",
      ),
    ];
  },

  async update({ get }) {
    this.report = await get("dashboard/subjects.json");
    this.show();
  },

  show() {
    const r = this.report;
    if (!r) return;
    const all = this.depth ? r.prefixes.filter((row) => row.tokens === this.depth) : r.subjects;
    const has = (row) => row.subject.toLowerCase().includes(this.filter) || row.account.toLowerCase().includes(this.filter);
    const rows = all.filter(has);
    this.table.say(this.why(all, rows, r));
    this.table.update(rows);
    const sampled = `${count(r.samples)} messages looked at in ${count(r.watching)} s`;
    setText(this.note, `${rate(r.total.msgs)} msgs/s and ${bytes(r.total.bytes)}/s in all; ${count(rows.length)} rows; ${sampled}.`);
  },

  // why there are no rows.
  why(all, rows, r) {
    if (all.length) return "Nothing matches the filter.";
    if (r.watching < 1) return "Looking …";
    if (this.depth && r.subjects.length) return "No subject that flows now has that many tokens.";
    return "No client publishes anything now.";
  },
};
