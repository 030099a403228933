// Tables whose rows change in place.

import { el, setText } from "./dom.js";

// Table shows rows in these columns:
//   head   heading
//   value  row => text
//   num    right-aligned
//   code   a text of the server, in a fixed-width font
//   bar    row => 0..1, drawn behind the text
//   warn   row => whether to mark the cell
//   sort   what `sorted` is called with when the heading is chosen
export class Table {
  #columns;
  #body = el("tbody");
  #box;
  #empty;

  constructor(label, columns, empty, sorted) {
    this.#columns = columns;
    const heads = columns.map((c) => this.#head(c, sorted));
    const table = el("table", {}, el("thead", {}, el("tr", {}, ...heads)), this.#body);
    this.#box = el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label }, table);
    this.#empty = el("p", { className: "empty" }, empty);
    this.element = el("div", {}, this.#box, this.#empty);
    this.update([]);
  }

  #head(c, sorted) {
    const th = el("th", { scope: "col", className: c.num ? "num" : "" });
    if (!c.sort || !sorted) {
      th.append(c.head);
      return th;
    }
    const b = el("button", { type: "button" }, c.head);
    b.addEventListener("click", () => sorted(c.sort));
    th.append(b);
    th.dataset.sort = c.sort;
    return th;
  }

  // mark shows by which column the rows are sorted.
  mark(sort, direction) {
    for (const th of this.#box.querySelectorAll("th")) {
      if (th.dataset.sort === sort) th.setAttribute("aria-sort", direction);
      else th.removeAttribute("aria-sort");
    }
  }

  // columns shows or hides columns by their heading.
  columns(shown) {
    this.#columns.forEach((c, i) => {
      for (const tr of this.#box.querySelectorAll("tr")) tr.cells[i].hidden = !shown(c);
      c.hidden = !shown(c);
    });
  }

  update(rows) {
    this.#box.hidden = rows.length === 0;
    this.#empty.hidden = rows.length !== 0;
    while (this.#body.rows.length > rows.length) this.#body.lastChild.remove();
    rows.forEach((row, i) => this.#fill(this.#body.rows[i] || this.#addRow(), row));
  }

  // say replaces the text that is shown when there are no rows.
  say(text) {
    setText(this.#empty, text);
  }

  #addRow() {
    const tr = el("tr");
    for (const c of this.#columns) {
      const td = el("td", { className: [c.num && "num", c.code && "code", c.bar && "share"].filter(Boolean).join(" ") });
      td.hidden = Boolean(c.hidden);
      tr.append(td);
    }
    this.#body.append(tr);
    return tr;
  }

  #fill(tr, row) {
    this.#columns.forEach((c, i) => {
      const td = tr.cells[i];
      const text = String(c.value(row) ?? "");
      setText(td, text);
      if (c.code) td.title = text;
      if (c.bar) td.style.setProperty("--bar", `${(100 * c.bar(row)).toFixed(1)}%`);
      if (c.warn) td.classList.toggle("warn", c.warn(row));
    });
  }
}
