// The server as a whole: rates over time and the figures of /varz.

import { el, card, setText } from "./dom.js";
import { Chart, Sparkline } from "./chart.js";
import { address, bytes, count, moment, percent, rate, size } from "./format.js";

// tile is a figure with a line about it, and its course.
function tile(label, course) {
  const value = el("strong");
  const note = el("small", { className: "muted" });
  const box = el("div", { className: "tile" }, el("span", {}, label), value, note);
  const spark = course && new Sparkline();
  if (spark) box.append(spark.element);
  return {
    element: box,
    set(text, about, history) {
      setText(value, text);
      setText(note, about);
      spark?.update(history, course);
    },
    warn: (on) => box.classList.toggle("warn", on),
  };
}

// facts is a list of names and values that may change.
function facts(list) {
  const values = new Map();
  const dl = el("dl", { className: "facts" });
  for (const [name, of] of list) {
    const dd = el("dd");
    values.set(dd, of);
    dl.append(el("div", {}, el("dt", {}, name), dd));
  }
  return {
    element: dl,
    update: (v) => values.forEach((of, dd) => setText(dd, of(v) || "–")),
  };
}

const limit = (n, text = count) => (n > 0 ? text(n) : "none");

// kinds says which kinds of connections were slow.
function kinds(stats) {
  const some = Object.entries(stats || {}).filter(([, n]) => n > 0);
  return some.map(([kind, n]) => `${count(n)} ${kind}`).join(", ") || "none was cut off";
}

export default {
  id: "overview",
  title: "Overview",

  build() {
    const inOut = (unit) => [
      { name: "in", className: "in", value: (s) => s[`in_${unit}`] },
      { name: "out", className: "out", value: (s) => s[`out_${unit}`] },
    ];
    this.charts = [
      new Chart("Messages per second", inOut("msgs"), rate),
      new Chart("Bytes per second", inOut("bytes"), bytes),
    ];
    this.tiles = {
      connections: tile("Connections", (s) => s.connections),
      subscriptions: tile("Subscriptions", (s) => s.subscriptions),
      mem: tile("Memory", (s) => s.mem),
      cpu: tile("CPU", (s) => s.cpu),
      slow: tile("Slow consumers"),
      peers: tile("Servers"),
    };
    this.facts = facts([
      ["Server name", (v) => v.server_name],
      ["Server id", (v) => v.server_id],
      ["Version", (v) => [v.version, v.git_commit && `(${v.git_commit})`, v.go].filter(Boolean).join(" ")],
      ["Clients connect to", (v) => address(v.host, v.port)],
      ["Started", (v) => moment(v.start)],
      ["Configuration loaded", (v) => moment(v.config_load_time)],
      ["Configuration digest", (v) => v.config_digest],
      ["Processors", (v) => `${v.gomaxprocs || v.cores} of ${v.cores}`],
      ["Credentials required", (v) => (v.auth_required ? "yes" : "no")],
      ["TLS required", (v) => (v.tls_required ? "yes" : "no")],
      ["Largest payload", (v) => limit(v.max_payload, size)],
      ["Pending bytes per connection", (v) => limit(v.max_pending, size)],
      ["Tags", (v) => (v.tags || []).join(", ")],
    ]);
    return [
      el("div", { className: "tiles" }, ...Object.values(this.tiles).map((t) => t.element)),
      el("div", { className: "charts" }, ...this.charts.map((c) => c.element)),
      card("Totals since the start", (this.totals = this.counters()).element),
      card("Server", this.facts.element),
    ];
  },

  counters() {
    return facts([
      ["Messages in", (v) => count(v.in_msgs)],
      ["Messages out", (v) => count(v.out_msgs)],
      ["Bytes in", (v) => bytes(v.in_bytes)],
      ["Bytes out", (v) => bytes(v.out_bytes)],
      ["Connections", (v) => count(v.total_connections)],
      ["Stale connections", (v) => count(v.stale_connections ?? 0)],
      ["Times a publisher waited", (v) => count(v.stalled_clients ?? 0)],
    ]);
  },

  async update({ varz: v, history }) {
    const t = this.tiles;
    t.connections.set(count(v.connections), `of ${count(v.max_connections)}`, history);
    t.subscriptions.set(count(v.subscriptions), v.max_subscriptions ? `${count(v.max_subscriptions)} per connection` : "no limit", history);
    t.mem.set(bytes(v.mem), v.gomemlimit ? `limit ${bytes(v.gomemlimit)}` : "resident", history);
    t.cpu.set(percent(v.cpu), `of ${100 * v.cores} %`, history);
    t.slow.set(count(v.slow_consumers), kinds(v.slow_consumer_stats));
    t.slow.warn(v.slow_consumers > 0);
    t.peers.set(count(v.remotes ?? 0), `${count(v.routes ?? 0)} routes, ${count(v.leafnodes ?? 0)} leafnodes`);
    for (const c of this.charts) c.update(history);
    this.totals.update(v);
    this.facts.update(v);
  },
};
