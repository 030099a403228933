// The picture of a server among its peers.

import { svg } from "./dom.js";
import { bytes, rate, rtt } from "./format.js";

const most = 24; // peers drawn; the table has all
const box = { width: 168, height: 44 };
const narrow = 640; // below, peers stand in a list instead of around

// short keeps a text within a number of characters.
const short = (text, n) => (text.length > n ? text.slice(0, n - 1) + "…" : text);

// around places n peers on an ellipse about the middle.
function around(n, width) {
  const ry = Math.max(130, n * 17);
  const middle = { x: width / 2, y: ry + 50 };
  const rx = Math.min(width / 2 - box.width / 2 - 8, 420);
  const spots = Array.from({ length: n }, (_, i) => {
    const angle = Math.PI * (n === 1 ? 0 : (2 * i) / n - 0.5);
    return { x: middle.x + rx * Math.cos(angle), y: middle.y + ry * Math.sin(angle) };
  });
  return { middle, spots, height: 2 * ry + 100 };
}

// below places them in a list under the server.
function below(n, width) {
  const step = box.height + 14;
  const middle = { x: box.width / 2 + 8, y: box.height / 2 + 8 };
  const spots = Array.from({ length: n }, (_, i) => ({ x: width - box.width / 2 - 8, y: middle.y + (i + 1) * step }));
  return { middle, spots, height: (n + 1) * step + (n >= most ? 20 : 0) };
}

function node(at, kind, title, about) {
  const g = svg("g", { class: `node ${kind}`, transform: `translate(${at.x - box.width / 2} ${at.y - box.height / 2})` });
  g.append(
    svg("title", {}, title),
    svg("rect", { width: box.width, height: box.height, rx: 6 }),
    svg("text", { class: "name", x: box.width / 2, y: 18, "text-anchor": "middle" }, short(title, 20)),
    svg("text", { x: box.width / 2, y: 34, "text-anchor": "middle" }, about),
  );
  return g;
}

// In a list, links leave from a trunk below the server.
const trunk = 22;

// edge joins the server and a peer.
function edge(middle, spot, peer, list) {
  const d = list ? `M${trunk} ${spot.y}H${spot.x}` : `M${middle.x} ${middle.y}L${spot.x} ${spot.y}`;
  return svg("path", { class: `edge ${peer.kind} ${peer.pending > 0 ? "behind" : ""}`, d });
}

// label says how far the peer is, and what waits to be sent to it.
function label(middle, spot, peer, list) {
  const at = list
    ? { x: (trunk + spot.x - box.width / 2) / 2, y: spot.y - 7 }
    : { x: (middle.x + spot.x) / 2, y: (middle.y + spot.y) / 2 + 4 };
  const text = peer.pending > 0 ? `${rtt(peer.rtt)} · ${bytes(peer.pending)} pending` : rtt(peer.rtt);
  return svg("text", { class: `label ${peer.pending > 0 ? "behind" : ""}`, x: at.x, y: at.y, "text-anchor": "middle" }, text);
}

// draw makes the picture in the width given, in pixels.
export function draw(varz, peers, width) {
  const shown = peers.slice(0, most);
  const list = width < narrow;
  const { middle, spots, height } = (list ? below : around)(shown.length, width);
  const name = varz.server_name || varz.server_id;
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${name} and ${peers.length} peers` });
  if (list) picture.append(svg("path", { class: "edge", d: `M${trunk} ${middle.y}V${spots.at(-1).y}` }));
  shown.forEach((p, i) => picture.append(edge(middle, spots[i], p, list)));
  shown.forEach((p, i) => {
    const links = p.links > 1 ? ` ×${p.links}` : "";
    const flow = p.inRate === null ? "" : ` · ${rate(p.inRate + p.outRate)}/s`;
    picture.append(node(spots[i], p.kind, p.name, `${p.kind}${links}${flow}`), label(middle, spots[i], p, list));
  });
  const cluster = varz.cluster?.name ? ` · ${short(varz.cluster.name, 14)}` : "";
  picture.append(node(middle, "self", name, `this server${cluster}`));
  if (peers.length > most) {
    picture.append(svg("text", { x: width / 2, y: height - 8, "text-anchor": "middle" }, `and ${peers.length - most} more in the table`));
  }
  return picture;
}
