// The configuration in force. Secrets are not part of what the server tells.

import { el, choice, filterBox, setText } from "./dom.js";
import { Table } from "./table.js";
import { count } from "./format.js";

function value(s) {
  if (s.secret) return s.default ? "not set" : "set, not shown";
  return s.value;
}

const columns = [
  { head: "Key", code: true, value: (s) => s.key },
  { head: "Value", code: true, value },
  { head: "Default", value: (s) => (s.default ? "yes" : "no") },
  { head: "A changed value is", value: (s) => (s.why ? `${s.reload}: ${s.why}` : s.reload) },
];

export default {
  id: "config",
  title: "Configuration",
  which: "all",

  build() {
    this.filter = "";
    this.settings = null;
    this.note = el("p", { className: "muted", role: "status" });
    this.table = new Table("Configuration", columns, "…");
    return [
      el("div", { className: "tools" },
        choice("Which keys", [["all", "All"], ["changed", "Not default"]], this.which, (which) => {
          this.which = which;
          this.show();
        }),
        filterBox("Filter by key or value", (text) => {
          this.filter = text;
          this.show();
        }),
      ),
      el("section", { className: "card flush" }, this.table.element),
      this.note,
    ];
  },

  async update({ get }) {
    this.settings = await get("dashboard/config.json");
    this.show();
  },

  show() {
    if (!this.settings) return;
    const rows = this.settings
      .filter((s) => this.which === "all" || !s.default)
      .filter((s) => `${s.key} ${value(s)}`.toLowerCase().includes(this.filter));
    this.table.say(this.filter ? "Nothing matches the filter." : "Every key has its default.");
    this.table.update(rows);
    setText(this.note, `${count(rows.length)} of ${count(this.settings.length)} keys.`);
  },
};
