// The page of vaelab watch. Text from files becomes text of elements, never HTML.
"use strict";

const $ = (id) => document.getElementById(id);
const make = (tag, className, text) => {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
};
const say = (e, text) => { if (e.textContent !== text) e.textContent = text; };
const show = (e, yes) => e.toggleAttribute("hidden", !yes); // SVG has no property hidden

// The states, those that need attention first, as vaelab status has them.
const states = ["failed", "unreadable", "stale", "stopped", "running", "not begun", "done"];

const trials = new Map(); // name -> what the server has sent
const rows = new Map(); // name -> elements of those that are shown
const stale = new Set(); // names of rows to fill in again
let folder = null;
let ahead = 0; // seconds by which the clock of the file server is ahead of this one
let only = ""; // state that is shown; all if empty
let words = []; // that a trial must have
const portion = 200; // rows that are shown at first, and more at a click
let most = portion;
const atOnce = 50; // rows that are made in one frame
let order = true; // the order of rows has to be found again

// Changes are drawn before the next frame, together.
let asked = false;
function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    drawTrials();
  });
}

// ---- Numbers and times

const whole = new Intl.NumberFormat("en");
function number(v) {
  if (v === undefined) return "–";
  if (typeof v === "string") return v;
  return v.toFixed(Math.abs(v) >= 100 ? 1 : 2).replace("-", "−");
}
function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const two = (n) => String(n).padStart(2, "0");
  if (s < 120) return s + " s";
  if (s < 7200) return Math.round(s / 60) + " min";
  if (s < 172800) return Math.floor(s / 3600) + " h " + two(Math.floor(s / 60) % 60);
  return Math.floor(s / 86400) + " d " + two(Math.floor(s / 3600) % 24) + " h";
}
const now = () => Date.now() / 1000 + ahead;

function since(t) {
  if (!t.since) return "";
  const d = span(now() - t.since);
  return t.state === "running" ? "for " + d : t.state === "stale" ? "silent for " + d : d + " ago";
}

// ---- Trials

const byName = new Intl.Collator("en", { numeric: true });
function before(a, b) {
  return states.indexOf(a.state) - states.indexOf(b.state) || a.group - b.group || (a.seed || 0) - (b.seed || 0) || byName.compare(a.name, b.name);
}
function wanted(t) {
  if (only && t.state !== only) return false;
  if (!words.length) return true;
  const text = [t.name, t.label, t.where, t.note, t.state].join(" ").toLowerCase();
  return words.every((w) => text.includes(w));
}

function newRow() {
  const r = { tr: make("tr") };
  const cell = (name, className, tag) => {
    r[name] = make(tag || "td", className);
    r.tr.append(r[name]);
    return r[name];
  };
  const head = cell("head", "", "th");
  head.scope = "row";
  head.append(r.label = make("span"), r.path = make("span", "path"));
  cell("stateCell").append(r.state = make("span"), r.why = make("span", "why"));
  cell("stepCell", "number").append(r.step = make("span"), r.bar = make("progress"));
  r.bar.setAttribute("aria-label", "share of the steps");
  cell("left", "number");
  cell("kl", "number");
  cell("mi", "number");
  cell("gap", "number");
  const svg = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  r.curve = svg("svg");
  r.curve.setAttribute("class", "curve");
  r.curve.setAttribute("viewBox", "0 0 128 26");
  r.curve.setAttribute("role", "img");
  const zero = svg("line");
  for (const [k, v] of Object.entries({ x1: 0, x2: 128, y1: 25, y2: 25 })) zero.setAttribute(k, v);
  r.curve.append(zero);
  r.line = svg("g");
  r.curve.append(r.line);
  cell("curveCell").append(r.curve);
  cell("whereCell", "where").append(r.where = make("span"), r.since = make("span", "more"));
  return r;
}

// drawCurve draws a curve with a gap where a value is not finite.
function drawCurve(r, t) {
  const curve = t.curve || [];
  show(r.curve, curve.length > 0);
  const step = 128 / Math.max(1, curve.length - 1);
  const parts = [];
  let part = [];
  curve.forEach((v, i) => {
    if (v >= 0) part.push((i * step).toFixed(1) + "," + (25 - v * 0.24).toFixed(1));
    if (part.length && (v < 0 || i === curve.length - 1)) {
      parts.push(part.length > 1 ? part.join(" ") : part[0] + " " + part[0]);
      part = [];
    }
  });
  while (r.line.childElementCount > parts.length) r.line.lastChild.remove();
  while (r.line.childElementCount < parts.length) r.line.append(document.createElementNS("http://www.w3.org/2000/svg", "polyline"));
  parts.forEach((p, i) => r.line.children[i].setAttribute("points", p));
  r.curve.setAttribute("aria-label", curve.length ? "KL by step: highest " + number(t.top) + ", last " + number(t.kl) : "");
}

function fill(r, t) {
  const seed = t.seed ? ", seed " + t.seed : "";
  say(r.label, (t.label || t.name) + seed);
  say(r.path, t.name);
  say(r.state, t.state);
  r.state.className = "state " + t.state.replace(" ", "-");
  say(r.why, t.note || "");
  show(r.why, Boolean(t.note));
  say(r.where, t.where || "–");
  say(r.step, t.step ? whole.format(t.step) + (t.steps ? " of " + whole.format(t.steps) : "") : "–");
  show(r.bar, t.steps > 0 && t.state !== "done");
  if (t.steps > 0) {
    r.bar.max = t.steps;
    r.bar.value = t.step;
  }
  const test = t.test ? " (test)" : "";
  say(r.kl, number(t.kl));
  say(r.mi, number(t.mi) + (t.mi === undefined ? "" : test));
  say(r.gap, number(t.gap) + (t.gap === undefined ? "" : test));
  drawCurve(r, t);
  tick(r, t);
}

// tick says the times, which change by themselves.
function tick(r, t) {
  say(r.since, since(t));
  say(r.left, t.end ? span(t.end - now()) : "–");
}

function drawTrials() {
  if (order) {
    order = false;
    const all = [...trials.values()].filter(wanted).sort(before);
    const some = all.slice(0, Math.min(most, rows.size + atOnce));
    if (some.length < Math.min(most, all.length)) { // the others in the next frames
      order = true;
      redraw();
    }
    const body = $("trials");
    const shown = new Set(some.map((t) => t.name));
    for (const [name, r] of rows) {
      if (!shown.has(name)) {
        r.tr.remove();
        rows.delete(name);
      }
    }
    let at = body.firstChild;
    for (const t of some) {
      let r = rows.get(t.name);
      if (!r) {
        rows.set(t.name, r = newRow());
        stale.add(t.name);
      }
      if (r.tr === at) at = at.nextSibling;
      else body.insertBefore(r.tr, at);
    }
    const left = Math.max(0, all.length - most);
    show($("more"), left > 0);
    say($("more"), "Show " + Math.min(portion, left) + " more of " + whole.format(left));
  }
  for (const name of stale) {
    const r = rows.get(name);
    if (r) fill(r, trials.get(name));
  }
  stale.clear();
}

function takeTrials(all) {
  for (const t of all) {
    const old = trials.get(t.name);
    trials.set(t.name, t);
    stale.add(t.name);
    if (!old || words.length || old.state !== t.state || old.group !== t.group || old.seed !== t.seed) order = true;
  }
  redraw();
}

function takeGone(names) { // null for all
  for (const name of names || [...trials.keys()]) trials.delete(name);
  if (!names) for (const f of figures.values()) f.version = 0; // the server may be another one
  order = true;
  redraw();
}

// ---- The folder

const trouble = { problem: "", warnings: "", connection: "" };
function drawTrouble() {
  const text = [trouble.connection, trouble.problem, trouble.warnings].filter(Boolean).join("\n");
  show($("trouble"), text !== "");
  say($("trouble"), text);
}

function takeFolder(f) {
  const first = !folder;
  const drawn = folder && folder.drawn;
  folder = f;
  document.title = f.title + " – vaelab watch";
  say($("title"), f.title);
  const parts = f.count.map((c) => whole.format(c.n) + " " + c.state).reverse();
  say($("summary"), whole.format(f.total) + (f.total === 1 ? " trial: " : " trials: ") + parts.join(", ") + (f.reading ? "; rows are being read" : ""));
  trouble.problem = f.problem ? "The folder cannot be read: " + f.problem : "";
  trouble.warnings = (f.warnings || []).join("\n");
  drawTrouble();
  drawStates();
  const links = f.reports || [];
  const there = [...$("reports").children];
  if (links.map((l) => l.to).join("\n") !== there.map((a) => a.getAttribute("href")).join("\n")) {
    $("reports").replaceChildren(...links.map((l) => {
      const a = make("a", "", l.text);
      a.href = l.to;
      return a;
    }));
  }
  show($("reports"), links.length > 0);
  if (first) drawOffers(f.figures);
  if (drawn !== f.drawn) drawFigures();
}

function drawStates() {
  const all = [{ state: "", n: folder.total }, ...folder.count];
  if (only && !folder.count.some((c) => c.state === only)) all.push({ state: only, n: 0 });
  const there = new Map([...$("states").children].map((b) => [b.dataset.state, b]));
  const buttons = all.map((c) => {
    let b = there.get(c.state);
    if (!b) {
      b = make("button");
      b.type = "button";
      b.dataset.state = c.state;
      b.addEventListener("click", () => {
        only = c.state;
        most = portion;
        order = true;
        drawStates();
        redraw();
      });
    }
    say(b, (c.state || "all") + " " + whole.format(c.n));
    b.setAttribute("aria-pressed", only === c.state);
    return b;
  });
  if (buttons.length !== there.size || buttons.some((b, i) => $("states").children[i] !== b)) {
    const focused = document.activeElement;
    $("states").replaceChildren(...buttons);
    if (buttons.includes(focused)) focused.focus();
  }
}

$("search").addEventListener("input", () => {
  words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  most = portion;
  order = true;
  redraw();
});
$("more").addEventListener("click", () => {
  most += portion;
  order = true;
  redraw();
});

// ---- Figures

const figures = new Map(); // details -> figure
const sight = new IntersectionObserver((seen) => {
  for (const s of seen) {
    const f = figures.get(s.target);
    f.seen = s.isIntersecting;
    drawFigure(f);
  }
}, { rootMargin: "200px" });

function drawOffers(offers) {
  for (const o of offers) {
    const f = { name: o.name, doc: o.doc, version: 0, seen: false, busy: false };
    const details = make("details");
    details.open = o.open;
    const summary = make("summary");
    summary.append(make("b", "", o.name), ": " + o.doc);
    const figure = make("figure");
    const scroll = make("div", "scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "figure " + o.name);
    f.image = make("img");
    f.image.alt = "";
    f.image.hidden = true;
    scroll.append(f.image);
    f.scroll = scroll;
    f.note = make("figcaption", "", "Being drawn.");
    figure.append(scroll, f.note);
    details.append(summary, figure);
    details.addEventListener("toggle", () => drawFigure(f));
    f.details = details;
    figures.set(details, f);
    $("figures").append(details);
    sight.observe(details);
  }
}

function drawFigures() {
  for (const f of figures.values()) drawFigure(f);
}
document.addEventListener("visibilitychange", drawFigures);

// drawFigure fetches a figure if somebody sees it and there is a newer one. The old picture stays until the new one is there.
async function drawFigure(f) {
  if (f.busy || !f.details.open || !f.seen || document.hidden || f.version >= folder.drawn) return;
  f.busy = true;
  try {
    const answer = await fetch("/caption/" + f.name);
    if (!answer.ok) throw new Error(await answer.text());
    const about = await answer.json();
    const left = about.left_out ? "Left out: damaged files of " + about.left_out + (about.left_out === 1 ? " trial" : " trials") + "; vaelab verify --files names them." : "";
    if (about.refused) {
      f.image.hidden = f.scroll.hidden = true;
      say(f.note, "Not drawn: " + about.refused + ". " + left);
    } else {
      const image = make("img");
      image.alt = about.caption;
      image.src = "/figure/" + f.name + ".svg?version=" + about.version;
      await image.decode();
      f.image.replaceWith(image);
      f.image = image;
      f.scroll.hidden = false;
      say(f.note, left);
    }
    f.version = about.version;
  } catch (error) {
    say(f.note, "The figure could not be fetched: " + error.message);
    f.version = folder.drawn; // the next version is tried again
  }
  f.busy = false;
  drawFigure(f);
}

// ---- Events

const events = new EventSource("/events");
const on = (name, take) => events.addEventListener(name, (e) => take(JSON.parse(e.data)));
on("folder", takeFolder);
on("gone", takeGone);
on("trials", takeTrials);
on("now", (t) => { ahead = t - Date.now() / 1000; });
events.addEventListener("open", () => {
  trouble.connection = "";
  if (folder) drawTrouble();
});
events.addEventListener("error", () => {
  trouble.connection = events.readyState === EventSource.CLOSED
    ? "vaelab watch refuses to send changes. Open the address again that it has printed."
    : "vaelab watch cannot be reached; this page goes on when it is there again.";
  drawTrouble();
});
setInterval(() => {
  if (document.hidden) return;
  for (const [name, r] of rows) tick(r, trials.get(name));
}, 5000);
