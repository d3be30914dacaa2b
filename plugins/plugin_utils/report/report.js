"use strict";
// Makes each column of a table a button that sorts it. Without this script the tables are as they were listed.
const compare = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;

function sort(table, header, index) {
  const order = header.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  const sign = order === "ascending" ? 1 : -1;
  const text = (row) => row.cells[index].dataset.value ?? row.cells[index].textContent.trim();
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [text(row), row]);
  // What is empty is not known, and stays at the end in either direction.
  rows.sort(([a], [b]) => (a === "") - (b === "") || sign * compare(a, b));
  body.append(...rows.map(([, row]) => row));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((header, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sort(table, header, index));
    header.append(button);
  });
}
