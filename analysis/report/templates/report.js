"use strict";
// The table of all trials: only the rows in sight exist, so that ten thousand cost as little as ten.
(() => {
  const source = document.getElementById("data");
  if (!source) return;
  const { columns, values } = JSON.parse(source.textContent);
  const box = document.getElementById("trials");
  const head = box.querySelector("thead tr");
  const body = box.querySelector("tbody");
  const [filter, column, least, most, count] =
    ["filter", "column", "least", "most", "count"].map((id) => document.getElementById(id));
  const total = values.length ? values[0].length : 0;
  const texts = columns.map((c, i) => (c.kind === "text" ? i : -1)).filter((i) => i >= 0);
  const cellColumn = columns.findIndex((c) => c.name === "cell");
  let order = Array.from({ length: total }, (_, i) => i);
  let shown = order;
  let sorted = -1;
  let descending = false;
  let rowHeight = 30;

  const format = (value, kind) => {
    if (value === null) return "";
    if (kind === "percent") return (100 * value).toFixed(2) + "%";
    if (kind === "loss" || kind === "score") return value.toFixed(4);
    if (kind === "seconds") return value.toFixed(1);
    if (kind === "number") return String(value).replace(/^-/, "\u2212");
    if (kind === "integer") return value.toLocaleString("en-US");
    return String(value);
  };

  const compare = (a, b) => {
    const [x, y] = [values[sorted][a], values[sorted][b]];
    if (x === null || y === null) return (x === null) - (y === null) || a - b;
    const less = typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
    return (descending ? -less : less) || a - b;
  };

  const render = () => {
    const room = Math.ceil(box.clientHeight / rowHeight) + 12;
    const from = Math.max(0, Math.min(shown.length - room, Math.floor(box.scrollTop / rowHeight) - 6));
    const rows = shown.slice(from, from + room);
    const spacer = (n) => {
      const row = document.createElement("tr");
      row.className = "spacer";
      row.style.height = n * rowHeight + "px";
      return row;
    };
    const cells = rows.map((r, position) => {
      const row = document.createElement("tr");
      row.className = (from + position) % 2 ? "odd" : "";
      columns.forEach((c, i) => {
        const cell = document.createElement("td");
        if (c.kind !== "text") cell.className = "number";
        if (i === cellColumn) cell.dataset.cell = values[i][r] === null ? "" : String(values[i][r]);
        cell.textContent = format(values[i][r], c.kind);
        cell.title = cell.textContent.length > 24 ? cell.textContent : "";
        row.append(cell);
      });
      return row;
    });
    const after = Math.max(0, shown.length - from - rows.length);
    body.replaceChildren(spacer(from), ...cells, spacer(after));
    const real = cells.length ? cells[0].getBoundingClientRect().height : 0;
    if (real > 10 && Math.abs(real - rowHeight) > 0.5) rowHeight = real;
  };

  const refresh = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const picked = Number(column.value);
    const low = least.value === "" ? -Infinity : Number(least.value);
    const high = most.value === "" ? Infinity : Number(most.value);
    const bounded = least.value !== "" || most.value !== "";
    // Percentages are typed as they are shown.
    const scale = columns[picked] && columns[picked].kind === "percent" ? 100 : 1;
    shown = order.filter((r) => {
      if (bounded) {
        const value = values[picked][r];
        if (typeof value !== "number" || value * scale < low || value * scale > high) return false;
      }
      if (!words.length) return true;
      const line = texts.map((i) => values[i][r] ?? "").join(" ").toLowerCase();
      return words.every((word) => line.includes(word));
    });
    count.textContent = `${shown.length.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}`;
    box.scrollTop = 0;
    render();
  };

  const sort = (index) => {
    const firstDown = ["percent", "score"].includes(columns[index].kind);
    descending = sorted === index ? !descending : firstDown;
    sorted = index;
    order = order.slice().sort(compare);
    head.querySelectorAll("th").forEach((th, i) => {
      if (i === index) th.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    });
    refresh();
  };

  columns.forEach((c, i) => {
    const th = document.createElement("th");
    th.scope = "col";
    if (c.kind !== "text") th.className = "number";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = c.label;
    button.addEventListener("click", () => sort(i));
    th.append(button);
    head.append(th);
    if (c.kind !== "text") column.append(new Option(c.label, String(i)));
  });
  [filter, column, least, most].forEach((control) => control.addEventListener("input", refresh));
  box.addEventListener("scroll", () => requestAnimationFrame(() => render()), { passive: true });
  window.addEventListener("resize", () => render());
  const initial = columns.findIndex((c) => c.name.startsWith("val_"));  // what judges them
  if (initial >= 0) {
    column.value = String(initial);
    sort(initial);
  } else refresh();
})();
