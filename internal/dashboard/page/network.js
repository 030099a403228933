// The servers around this one, as a picture and as a table.

import { el, card } from "./dom.js";
import { Table } from "./table.js";
import { address, bytes, count, micros, rate, rtt } from "./format.js";
import { Rates } from "./rates.js";
import { draw } from "./graph.js";

const columns = [
  { head: "Kind", value: (p) => p.kind },
  { head: "Name", code: true, value: (p) => p.name },
  { head: "Address", code: true, value: (p) => p.address },
  { head: "Connections", num: true, value: (p) => p.links },
  { head: "RTT", num: true, value: (p) => rtt(p.rtt) },
  { head: "Pending", num: true, value: (p) => bytes(p.pending), warn: (p) => p.pending > 1e6 },
  { head: "In msgs/s", num: true, value: (p) => rate(p.inRate) },
  { head: "Out msgs/s", num: true, value: (p) => rate(p.outRate) },
  { head: "Subs", num: true, value: (p) => count(p.subs) },
  { head: "Account", code: true, value: (p) => p.account },
  { head: "Details", value: (p) => p.details.filter(Boolean).join(", ") },
];

// link is one connection to a peer, the same for each kind.
const link = (kind, id, name, c, more) => ({
  kind,
  key: `${kind} ${id}`,
  name: name || id,
  address: address(c.ip, c.port),
  rtt: c.rtt,
  pending: c.pending_size ?? c.pending_bytes ?? 0,
  in: c.in_msgs,
  out: c.out_msgs,
  subs: c.subscriptions,
  account: "",
  details: [],
  ...more,
});

function routes(r) {
  return (r.routes || []).map((c) =>
    link("route", c.remote_id, c.remote_name, c, {
      details: [c.did_solicit ? "dialled here" : "dialled there", c.is_configured && "configured", c.compression],
    }),
  );
}

function gateways(r) {
  const list = [];
  for (const [name, g] of Object.entries(r.outbound_gateways || {})) {
    if (g.connection) list.push(link("gateway", name, name, g.connection, { details: ["outbound", g.configured && "configured"] }));
  }
  for (const [name, inbound] of Object.entries(r.inbound_gateways || {})) {
    for (const g of inbound) if (g.connection) list.push(link("gateway", name, name, g.connection, { details: ["inbound"] }));
  }
  return list;
}

function leafs(r) {
  return (r.leafs || []).map((c) =>
    link("leafnode", `${c.name || address(c.ip, c.port)} ${c.account}`, c.name || address(c.ip, c.port), c, {
      account: c.account,
      details: [c.is_spoke ? "hub of this server" : "spoke", c.compression],
    }),
  );
}

// peers joins the links to the same peer.
function peers(links) {
  const byKey = new Map();
  for (const l of links) {
    const p = byKey.get(l.key);
    if (!p) {
      byKey.set(l.key, { ...l, links: 1, details: [...l.details] });
      continue;
    }
    p.links++;
    for (const sum of ["pending", "in", "out", "subs"]) p[sum] += l[sum];
    if ((micros(l.rtt) ?? Infinity) < (micros(p.rtt) ?? Infinity)) p.rtt = l.rtt;
    p.details = [...new Set([...p.details, ...l.details])];
  }
  return [...byKey.values()].sort((a, b) => b.kind.localeCompare(a.kind) || a.name.localeCompare(b.name));
}

export default {
  id: "network",
  title: "Network",

  build() {
    this.rates = new Rates();
    this.peers = null;
    this.picture = el("div", { className: "graph" });
    this.table = new Table("Servers", columns, "No other server is connected.");
    this.empty = el("div", { className: "empty", hidden: true },
      el("p", {}, "This server is on its own."),
      el("p", {}, "Servers appear here when they are joined: routes make a cluster of equals, gateways join clusters, and leafnodes are servers that attach to another with an account of theirs."),
    );
    this.tableCard = card("Links", this.table.element);
    new ResizeObserver(() => this.picture.clientWidth !== this.width && this.show()).observe(this.picture);
    return [el("section", { className: "card flush" }, this.picture, this.empty), this.tableCard];
  },

  async update({ varz, get }) {
    // A server may lack one of the reports: then it has no such peers.
    const optional = (path) => get(path).catch((error) => {
      if (error.status === 404) return {};
      throw error;
    });
    const [r, g, l] = await Promise.all([get("routez"), optional("gatewayz"), optional("leafz")]);
    this.rates.begin(r.now);
    this.varz = varz;
    this.peers = peers([...routes(r), ...gateways(g), ...leafs(l)]).map((p) => ({
      ...p,
      inRate: this.rates.of(`${p.key} in`, p.in),
      outRate: this.rates.of(`${p.key} out`, p.out),
    }));
    this.table.update(this.peers);
    this.show();
  },

  show() {
    if (!this.peers) return;
    const alone = this.peers.length === 0;
    this.empty.hidden = !alone;
    this.tableCard.hidden = alone;
    this.picture.hidden = alone;
    this.width = this.picture.clientWidth;
    if (this.width) this.picture.replaceChildren(draw(this.varz, this.peers, this.width));
  },
};
