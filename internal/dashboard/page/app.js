// The frame: sections, polling, the banner and the theme.

import { el, setText } from "./dom.js";
import { clock, uptime } from "./format.js";
import { Rates } from "./rates.js";
import overview from "./overview.js";
import connections from "./connections.js";
import subjects from "./subjects.js";
import network from "./network.js";
import accounts from "./accounts.js";
import config from "./config.js";

const sections = [overview, connections, subjects, network, accounts, config];
const interval = 2000; // milliseconds between polls
const patience = 8000; // for an answer
const kept = 5 * 60 * 1000; // of the history

const byId = (id) => document.getElementById(id);

// get asks for a report beside this page, whatever path it is served under.
async function get(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(patience), cache: "no-store" });
  if (!response.ok) throw Object.assign(new Error(`${path} answers ${response.status}`), { status: response.status });
  return response.json();
}

// ---- What was seen so far

const history = [];
const rates = new Rates();

// remember adds what /varz says to the history. A server that starts anew counts from
// zero: its first rates are unknown, and the charts have a gap.
function remember(v) {
  const t = Date.parse(v.now);
  const sample = { t, connections: v.connections, subscriptions: v.subscriptions, mem: v.mem, cpu: v.cpu };
  rates.begin(v.now);
  for (const name of ["in_msgs", "out_msgs", "in_bytes", "out_bytes"]) {
    sample[name] = rates.of(`${v.server_id} ${name}`, v[name]);
  }
  if (history.length && t < history.at(-1).t) history.length = 0;
  if (history.length && t - history.at(-1).t < interval / 2) return; // a poll out of turn
  history.push(sample);
  while (history[0].t < t - kept) history.shift();
}

// ---- Polling

let timer = 0;
let polling = false;
let again = false; // somebody asked while a poll was under way
let current = null;
let silentSince = null;

// poll fetches what the current section shows. It stops while the page is hidden, and
// goes on after a failure.
async function poll() {
  clearTimeout(timer);
  if (document.hidden) return;
  if (polling) {
    again = true;
    return;
  }
  polling = true;
  again = false;
  const section = current;
  try {
    const varz = await get("varz");
    remember(varz);
    showServer(varz);
    await section.update({ varz, history, get });
    reachable();
  } catch (error) {
    unreachable(error);
  }
  polling = false;
  timer = setTimeout(poll, again ? 0 : interval);
}

function reachable() {
  silentSince = null;
  byId("banner").hidden = true;
  byId("content").classList.remove("stale");
}

function unreachable(error) {
  silentSince ??= Date.now();
  let text = `Server not reachable since ${clock(silentSince)}. Trying again every ${interval / 1000} seconds.`;
  if (error.status === 401) text = "The server wants to know who you are. Reload the page to sign in.";
  else if (error.status) text = `The server does not answer as it should since ${clock(silentSince)}: ${error.message}.`;
  else if (!["TypeError", "TimeoutError", "AbortError"].includes(error.name)) console.error(error);
  setText(byId("banner"), text);
  byId("banner").hidden = false;
  byId("content").classList.add("stale");
}

function showServer(v) {
  const name = v.server_name || v.server_id;
  setText(byId("name"), name);
  byId("name").title = name;
  setText(byId("version"), `v${v.version}`);
  setText(byId("uptime"), `up ${uptime(v.uptime)}`);
  document.title = `${name} – nats-server`;
}

// ---- Sections

// show changes to the section that the address names.
function show() {
  const wanted = location.hash.slice(1);
  if (wanted === "content") return; // the skip link
  const section = sections.find((s) => s.id === wanted) || sections[0];
  if (section === current) return;
  current = section;
  for (const a of byId("nav").children) {
    if (a.hash === `#${section.id}`) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  byId("content").replaceChildren(...section.build(poll));
  byId("nav").querySelector("[aria-current]").scrollIntoView({ block: "nearest", inline: "nearest" });
  poll();
}

// ---- Theme

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme || (systemDark.matches ? "dark" : "light")) === "dark";

function labelTheme() {
  setText(byId("theme"), isDark() ? "Light" : "Dark");
  byId("theme").setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
}

function changeTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("nats-dashboard-theme", theme);
  } catch {
    // Storage may be forbidden: then it holds for this visit.
  }
  labelTheme();
}

for (const s of sections) byId("nav").append(el("a", { href: `#${s.id}` }, s.title));
byId("theme").addEventListener("click", changeTheme);
systemDark.addEventListener("change", labelTheme);
document.addEventListener("visibilitychange", poll);
addEventListener("hashchange", show);
labelTheme();
show();
