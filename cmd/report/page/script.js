"use strict";
/* The chooser, the matrix and the addresses. What is shown of a view is a function of the page's
 * address, "#view?key=a,b&key=c": every control changes the address, and nothing else. Charts and
 * tables are in the page already. */
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const views = ["answer", "choose", "costs", "matrix", "run"];
const strategies = data.subjects?.filter((s) => s.kind === "strategy") ?? [];

/* An element with properties and children; texts are never parsed as HTML. */
function el(name, properties, ...children) {
  const { data: dataset, ...others } = properties ?? {};
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(others)) {
    if (key.includes("-")) e.setAttribute(key, value);
    else e[key] = value;
  }
  Object.assign(e.dataset, dataset);
  e.append(...children.filter((c) => c !== undefined && c !== ""));
  return e;
}

// ---- addresses

function address() {
  const [view, query] = location.hash.slice(1).split("?");
  return { view: views.includes(view) ? view : "answer", parameters: Object.fromEntries(new URLSearchParams(query)) };
}

function hash(view, parameters) {
  const query = Object.entries(parameters).filter(([, value]) => value).map(([key, value]) => `${key}=${encodeURIComponent(value).replace(/%2C/g, ",").replace(/%2F/g, "/")}`);
  return "#" + view + (query.length ? "?" + query.join("&") : "");
}

/* Set parameters of a view. A filter replaces the address, so that Back leaves the page and does
 * not undo filters one by one; what opens something (push) is a step that Back undoes. */
function go(view, changes, push) {
  const now = address();
  const to = hash(view, { ...(now.view === view ? now.parameters : {}), ...changes });
  if (push) {
    location.hash = to;
  } else {
    history.replaceState(null, "", to);
    show();
  }
}

const list = (text) => (text ? text.split(",") : []);

let shownView;
function show() {
  const { view, parameters } = address();
  for (const a of document.querySelectorAll("nav a")) {
    a.removeAttribute("aria-current");
    if (a.getAttribute("href") === "#" + view) a.setAttribute("aria-current", "true");
  }
  if (view !== "matrix") $("cell").close();
  ({ choose: showChoices, costs: showCosts, matrix: showMatrix })[view]?.(parameters);
  if (location.hash && shownView !== view + (parameters.group ?? "")) {
    $(parameters.group ? "group-" + parameters.group : view)?.scrollIntoView();
  }
  shownView = view + (parameters.group ?? "");
}

// ---- controls

/* Fill a fieldset with check boxes that are a parameter of a view. */
function chips(fieldset, view, options) {
  for (const { value, label, title } of options) {
    fieldset.append(el("label", { title: title ?? "" }, el("input", { type: "checkbox", value }), el("span", {}, label)));
  }
  fieldset.addEventListener("change", () => {
    const chosen = [...fieldset.querySelectorAll(":checked")].map((input) => input.value);
    go(view, { [fieldset.id === "needs" ? "need" : fieldset.id]: chosen.join(",") });
  });
}

function check(fieldset, chosen) {
  for (const input of fieldset.querySelectorAll("input")) input.checked = chosen.includes(input.value);
}

// ---- costs

function showCosts({ group, table }) {
  const details = document.querySelector(`#group-${CSS.escape(group ?? "")} details`);
  if (details && table === "open") details.open = true;
}

// ---- the chooser

const propertyAt = new Map(data.properties?.map((p, i) => [p.id, i]));

function verdict(subject, id) {
  return data.verdicts[subject.cells[propertyAt.get(id)]?.[0] ?? data.verdicts.length - 1].name;
}

/* Why a strategy does not meet a requirement: nothing if it does. */
function obstacles(subject, need) {
  const missing = [
    ...(need.holds ?? []).filter((id) => verdict(subject, id) !== "holds"),
    ...(need.breaks ?? []).filter((id) => verdict(subject, id) !== "breaks"),
  ].map((id) => cellLink(subject, id));
  if (need.gil && subject.needsGIL) missing.push(subject.needsGIL);
  return missing;
}

/* Whether the run says anything about a requirement. */
function answered(need) {
  const ids = [...(need.holds ?? []), ...(need.breaks ?? [])];
  return need.gil ? strategies.every((s) => s.needsGIL !== null) : ids.every((id) => propertyAt.has(id));
}

function cellLink(subject, id) {
  const p = data.properties[propertyAt.get(id)];
  return el("a", { href: hash("matrix", { cell: `${subject.name}/${id}` }), title: p.promise }, `${id} ${p.title}`);
}

const sentence = (text) => (/^[a-z]+ /.test(text) ? text[0].toUpperCase() + text.slice(1) : text) + ".";

const broken = (s) => data.properties.filter((p) => verdict(s, p.id) === "breaks");

function showChoices({ need }) {
  const wanted = data.requirements.filter((n) => list(need).includes(n.id) && answered(n));
  check($("needs"), wanted.map((n) => n.id));
  const judged = strategies
    .map((s) => ({ s, gaps: wanted.map((n) => ({ n, why: obstacles(s, n) })).filter((gap) => gap.why.length), breaks: broken(s) }))
    .sort((a, b) => a.gaps.length - b.gaps.length || a.breaks.length - b.breaks.length);
  const fits = judged.filter((j) => wanted.length && !j.gaps.length);
  const nogil = wanted.some((n) => n.gil);
  const near = judged.filter((j) => j.gaps.length === 1);
  $("fits").textContent = !wanted.length
    ? "Click what you need."
    : fits.length
      ? `${fits.length} of ${strategies.length} strategies ${fits.length === 1 ? "has" : "have"} all of it: ${fits.map((j) => j.s.name).join(", ")}.`
      : "No strategy has all of it. " + (near.length ? "These lack one thing:" : "Clear a requirement.");
  $("choices").replaceChildren(...[...fits, ...near].map((j) => choice(j, nogil)));
}

function choice({ s, gaps, breaks }, nogil) {
  const fits = !gaps.length;
  const reasons = new Map();
  for (const p of breaks) {
    const why = data.reasons[s.cells[propertyAt.get(p.id)][1]] ?? "no reason given";
    reasons.set(why, [...(reasons.get(why) ?? []), p.id]);
  }
  const elsewhere = nogil ? Object.entries(s.elsewhere ?? {}) : [];
  return el("article", { className: "choice" + (fits ? " fits" : "") },
    el("h3", {}, el("a", { href: `../../${s.name}/` }, s.name),
      fits ? el("span", { className: "verdict holds" }, "has it all") : ""),
    el("p", {}, sentence(s.idea)),
    gaps.length ? el("p", {}, el("b", {}, `Lacks ${gaps[0].n.label}: `), ...gaps[0].why.flatMap((w, i) => (i ? [", ", w] : [w]))) : "",
    s.costs ? el("p", { className: "why" }, "Costs, as ratios to the floor: " + s.costs.join(", ") + ".") : "",
    breaks.length
      ? el("details", { open: fits }, el("summary", {}, `Gives up ${breaks.length} ${breaks.length === 1 ? "property" : "properties"}`),
        el("ul", {}, ...[...reasons].map(([why, ids]) => el("li", {}, ...ids.flatMap((id, i) => (i ? [", ", cellLink(s, id)] : [cellLink(s, id)])), ": " + why))))
      : el("p", {}, "Gives up no property that applies in this run."),
    elsewhere.length ? el("p", {}, "Without the GIL it gives up, too:") : "",
    elsewhere.length ? el("ul", {}, ...elsewhere.map(([id, why]) => el("li", {}, cellLink(s, id), ": " + why))) : "",
    s.shippedBy?.length ? el("p", { className: "why" }, "Ships in " + s.shippedBy.join(", ") + ".") : "");
}

// ---- the matrix

const style = (name) => (["holds", "breaks", "crashed", "hung", "failed"].includes(name) ? name : "none");

let shownFilters;
function showMatrix(parameters) {
  if (!data.properties) return;
  const chosen = Object.fromEntries(["family", "verdict", "subject"].map((key) => [key, list(parameters[key])]));
  const filters = JSON.stringify(chosen);
  if (filters !== shownFilters) {
    shownFilters = filters;
    for (const key in chosen) check($(key), chosen[key]);
    drawGrid(chosen);
  }
  showCell(parameters.cell);
}

function drawGrid({ family, verdict: wanted, subject }) {
  const columns = data.subjects.filter((s) => !subject.length || subject.includes(s.name));
  const rows = [];
  let shown = 0, last;
  data.properties.forEach((p, i) => {
    if (family.length && !family.includes(p.family)) return;
    const verdicts = columns.map((s) => data.verdicts[s.cells[i][0]]);
    if (wanted.length && !verdicts.some((v) => wanted.includes(v.name))) return;
    if (p.family !== last) {
      last = p.family;
      rows.push(el("tr", { className: "family" }, el("th", { colSpan: columns.length + 1, scope: "colgroup" }, el("span", {}, `${p.family} ${data.families.find((f) => f.id === p.family)?.name}`))));
    }
    shown++;
    rows.push(el("tr", {}, el("th", { scope: "row", title: p.promise }, el("b", {}, p.id), " " + p.title), ...columns.map((s, j) => {
      const v = verdicts[j];
      const dim = wanted.length && !wanted.includes(v.name);
      return el("td", {}, el("button", { type: "button", tabIndex: -1, className: style(v.name) + (dim ? " dim" : ""), "aria-label": `${s.name}, ${p.id}: ${v.name}`, data: { cell: `${s.name}/${p.id}` } }, v.mark));
    })));
  });
  const head = el("tr", {}, el("th", { scope: "col" }, "property"), ...columns.map((s) => el("th", { scope: "col", title: s.idea }, el("span", { className: s.kind }, s.name))));
  $("grid").replaceChildren(el("thead", {}, head), el("tbody", {}, ...rows));
  const first = $("grid").querySelector("button");
  if (first) first.tabIndex = 0;
  $("count").textContent = `${shown} of ${data.properties.length} properties, ${columns.length} of ${data.subjects.length} columns.`;
}

/* Arrow keys walk the grid, which is one stop of the Tab key. */
function walk(event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -Infinity], End: [0, Infinity] }[event.key];
  if (!step || !event.target.dataset.cell) return;
  event.preventDefault();
  const lines = [...$("grid").tBodies[0].rows].map((row) => [...row.querySelectorAll("button")]).filter((line) => line.length);
  const y = lines.findIndex((line) => line.includes(event.target));
  const inside = (i, length) => Math.max(0, Math.min(length - 1, i));
  const line = lines[inside(y + step[0], lines.length)];
  focusCell(line[inside(lines[y].indexOf(event.target) + step[1], line.length)]);
}

function focusCell(button) {
  for (const other of $("grid").querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
  button.tabIndex = 0;
  button.focus();
}

function showCell(cell) {
  const [name, id] = (cell ?? "").split(/\/(.*)/);
  const s = data.subjects.find((s) => s.name === name);
  const p = data.properties[propertyAt.get(id)];
  if (!s || !p) return $("cell").close();
  const [verdictAt, reasonAt, expectedAt] = s.cells[propertyAt.get(id)];
  const v = data.verdicts[verdictAt];
  const reason = data.reasons[reasonAt];
  const folder = s.kind === "strategy" ? `../../${s.name}/` : "../../matrix/README.md";
  $("cell-title").replaceChildren(`${s.name}: ${p.id} ${p.title} `, el("span", { className: "verdict " + style(v.name) }, `${v.mark} ${v.name}`));
  const entry = (term, ...texts) => [el("dt", {}, term), el("dd", {}, ...texts)];
  $("cell-body").replaceChildren(el("dl", {},
    ...entry("Promise", p.promise),
    ...(expectedAt === undefined ? [] : entry("Not as declared", `declared: ${data.reasons[expectedAt]}`)),
    ...(reason ? entry("Reason", reason) : []),
    ...(s.elsewhere?.[id] ? entry("Declared to break where it applies", s.elsewhere[id]) : []),
    ...entry(s.kind === "strategy" ? "Strategy" : "Library", sentence(s.idea) + " ", el("a", { href: folder }, s.kind === "strategy" ? `${s.name}/` : "how libraries are compared")),
    ...(p.source
      ? entry("Test", el("a", { href: `../../matrix/lifetimes/properties/${p.file}#L${p.line}` }, `matrix/lifetimes/properties/${p.file}, line ${p.line}`), el("pre", { tabIndex: 0 }, el("code", {}, p.source)))
      : entry("Test", "It has changed since this run: see ", el("a", { href: "../../matrix/lifetimes/properties/" }, "matrix/lifetimes/properties/"), "."))));
  if (!$("cell").open) $("cell").showModal();
}

// ---- light and dark

function theme() {
  const kinds = ["Auto", "Light", "Dark"];
  const storage = (change) => { try { return change(localStorage); } catch { return null; } }; // refused to some file: pages
  const set = (kind) => {
    document.documentElement.dataset.theme = kind.toLowerCase();
    $("theme").textContent = kind;
    $("theme").setAttribute("aria-label", `Colors: ${kind}`);
  };
  const stored = storage((s) => s.getItem("theme"));
  set(kinds.includes(stored) ? stored : "Auto");
  $("theme").addEventListener("click", () => {
    const next = kinds[(kinds.indexOf($("theme").textContent) + 1) % kinds.length];
    storage((s) => s.setItem("theme", next));
    set(next);
  });
}

// ---- start

if (data.properties) {
  const applies = new Set(data.subjects.flatMap((s) => s.cells.map(([v]) => v)));
  chips($("needs"), "choose", data.requirements.map((n) => ({ value: n.id, label: n.label, title: n.words })));
  for (const n of data.requirements.filter((n) => !answered(n))) {
    const input = $("needs").querySelector(`[value="${n.id}"]`);
    input.disabled = true;
    input.parentNode.title = "not recorded in this run";
    input.nextSibling.append(" (not recorded)");
  }
  chips($("family"), "matrix", data.families.filter((f) => data.properties.some((p) => p.family === f.id)).map((f) => ({ value: f.id, label: `${f.id} ${f.name}` })));
  chips($("verdict"), "matrix", data.verdicts.filter((v, i) => applies.has(i)).map((v) => ({ value: v.name, label: `${v.mark} ${v.name}` })));
  chips($("subject"), "matrix", data.subjects.map((s) => ({ value: s.name, label: s.name })));
  $("marks").textContent = data.verdicts.filter((v, i) => applies.has(i)).map((v) => `${v.mark} ${v.name}`).join("   ");
  $("grid").addEventListener("click", ({ target }) => { if (target.dataset.cell) { focusCell(target); go("matrix", { cell: target.dataset.cell }, true); } });
  $("grid").addEventListener("keydown", walk);
  $("cell").addEventListener("close", () => { if (address().parameters.cell) go("matrix", { cell: "" }); });
  $("clear").addEventListener("click", () => go("matrix", { family: "", verdict: "", subject: "" }));
  $("filters").hidden = $("needs").hidden = false;
  $("filters").open = !matchMedia("(max-width: 40rem)").matches; // where it would hide the grid
  if (data.libraries) $("libraries").textContent = `The libraries' columns of the matrix are those of the run ${data.libraries}.`;
  showChoices({});
  showMatrix({});
} else {
  $("grid").replaceWith(el("p", {}, "The matrix was not recorded."));
  $("fits").textContent = "The matrix was not recorded, so there is nothing to choose by.";
}
$("theme").hidden = false;
theme();
addEventListener("hashchange", show);
show();
