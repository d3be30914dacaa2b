"use strict";
// Adds a search, filters and sorting. Without this script the tables are as they were listed.
const compare = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;
const wanted = new Map();
let words = [];

function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function sort(table, header, index) {
  const order = header.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  const sign = order === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [row.cells[index].textContent.trim(), row]);
  // What is empty is not known, and stays at the end in either direction.
  rows.sort(([a], [b]) => (a === "") - (b === "") || sign * compare(a, b));
  body.append(...rows.map(([, row]) => row));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
}

const parts = (cell) => [...cell.childNodes].map((node) => node.textContent.trim());

// Of one column any of the chosen words will do; the columns must all agree.
function shows(row, chosen) {
  const text = row.textContent.toLowerCase();
  return (
    words.every((word) => text.includes(word)) &&
    [...chosen].every(([index, any]) => !any.size || parts(row.cells[index]).some((part) => any.has(part)))
  );
}

function filter() {
  let total = 0;
  for (const section of document.querySelectorAll("section.population")) {
    const rows = section.querySelectorAll("tbody tr");
    const chosen = wanted.get(section) ?? new Map();
    let number = 0;
    for (const row of rows) number += !(row.hidden = !shows(row, chosen));
    section.hidden = words.length > 0 && number === 0;
    const filtered = words.length > 0 || [...chosen.values()].some((any) => any.size);
    section.querySelector(".found").textContent = filtered ? `${number} of ${rows.length} match` : "";
    const fold = section.querySelector(".fold");
    // To lay out thousands of rows for the first letters of a word would take seconds.
    if (fold && filtered && number > 0 && number <= 200) fold.open = true;
    total += number;
  }
  found.textContent = words.length ? `${total} ${total === 1 ? "row" : "rows"} found` : "";
}

for (const section of document.querySelectorAll("section.population")) {
  section.querySelector("summary").append(" ", make("span", { className: "found count" }));
  for (const word of section.querySelectorAll("dt[data-column]")) {
    const button = make("button", { type: "button", title: "Show only these rows" }, ...word.childNodes);
    button.setAttribute("aria-pressed", false);
    word.append(button);
    button.addEventListener("click", () => {
      const chosen = wanted.get(section) ?? wanted.set(section, new Map()).get(section);
      const index = word.dataset.column;
      const any = chosen.get(index) ?? chosen.set(index, new Set()).get(index);
      const pressed = !any.delete(word.textContent);
      if (pressed) any.add(word.textContent);
      button.setAttribute("aria-pressed", pressed);
      filter();
    });
  }
}

for (const table of document.querySelectorAll("table")) {
  [...table.tHead.rows[0].cells].forEach((header, index) => {
    // Browsers leave buttons out of the headers that they repeat in print, so the text stays outside.
    const button = make("button", { type: "button" });
    button.setAttribute("aria-label", `Sort by ${header.textContent}`);
    // A word joiner keeps the arrow on the line of the last word.
    header.append("\u2060", button);
    header.addEventListener("click", () => sort(table, header, index));
  });
}

const found = make("span", { className: "status", role: "status" });
const input = make("input", { type: "search", placeholder: "name, app, word", autocomplete: "off" });
input.addEventListener("input", () => {
  words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  filter();
});
const back = make("a", { href: "#top" }, "To the top");
document.body.classList.add("scripted");
document.querySelector("main").prepend(
  make("div", { className: "search", role: "search" }, make("label", {}, "Search", input), found, back),
);
