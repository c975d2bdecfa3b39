// Filters for the table of all cases. Without this script the page is complete, but has no filters.
"use strict";

const form = document.getElementById("filters");
const field = (name) => document.getElementById(name);
const groups = [...document.querySelectorAll("#matrix tbody")];
const rows = groups.flatMap((group) =>
  [...group.querySelectorAll("tr[data-title]")].map((row) => ({
    row,
    group: group.dataset.group,
    text: `${row.cells[0].textContent} ${row.dataset.title}`.toLowerCase(),
    results: [...row.querySelectorAll("[data-verdict]")].map((cell) => cell.dataset),
    differs: "differs" in row.dataset,
  })),
);
const names = ["search", "group", "verdict", "agent", "differs"].filter(field);

/** Returns the filters that are set. */
function filters() {
  const pairs = names.map((name) => {
    const { type, checked, value } = field(name);
    return [name, type === "checkbox" ? (checked ? "yes" : "") : value.trim()];
  });
  return Object.fromEntries(pairs.filter(([, value]) => value !== ""));
}

function matches(entry, { search = "", group, verdict, agent, differs }) {
  const isResult = (result) =>
    (agent === undefined || result.agent === agent) &&
    (verdict === "bad"
      ? !["pass", "info", "missing"].includes(result.verdict)
      : verdict === undefined || result.verdict === verdict);
  return (
    (group === undefined || entry.group === group) &&
    (differs === undefined || entry.differs) &&
    search.toLowerCase().split(/\s+/).every((word) => entry.text.includes(word)) &&
    entry.results.some(isResult)
  );
}

function apply() {
  const chosen = filters();
  let shown = 0;
  for (const entry of rows) {
    entry.row.hidden = !matches(entry, chosen);
    shown += entry.row.hidden ? 0 : 1;
  }
  for (const group of groups) {
    group.hidden = !group.querySelector("tr[data-title]:not([hidden])");
  }
  for (const cell of document.querySelectorAll("#matrix [data-agent]")) {
    cell.hidden = chosen.agent !== undefined && cell.dataset.agent !== chosen.agent;
  }
  field("count").textContent = `${shown} of ${rows.length} cases`;
  field("nothing").hidden = shown > 0;
}

/** Stores the filters in the address, so that it can be shared. */
function remember() {
  const text = new URLSearchParams(filters()).toString();
  history.replaceState(null, "", text === "" ? location.pathname : `#${text}`);
}

/** Sets the filters from the address, unless it names a place on the page. */
function recall() {
  const chosen = new URLSearchParams(location.hash.slice(1));
  if (!names.some((name) => chosen.has(name))) return;
  for (const name of names) {
    const control = field(name);
    const value = chosen.get(name) ?? "";
    if (control.type === "checkbox") control.checked = value !== "";
    else control.value = value;
  }
  apply();
  field("cases").scrollIntoView();
}

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => {
  apply();
  remember();
});
form.addEventListener("reset", () =>
  setTimeout(() => {
    apply();
    remember();
  }),
);
for (const link of document.querySelectorAll("[data-filter-verdict]")) {
  const chosen = new URLSearchParams({ verdict: link.dataset.filterVerdict });
  if (field("agent")) chosen.set("agent", link.dataset.filterAgent);
  link.href = `#${chosen}`;
}
window.addEventListener("hashchange", recall);
apply();
recall();
