// Keyboard shortcuts: each is the control of the page that names the key in `data-key`. Single keys
// count outside of fields alone, and not for whoever turned them off. Loaded before app.js.
"use strict";

const inField = (node) => node.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");

// Moves along the rows of a list; whether there is one.
function alongRows(step) {
  if (document.querySelector("#main [data-key=j], #main [data-key=k], #main .panes")) return false;
  const rows = [...document.querySelectorAll("#main .rows a.row")];
  if (!rows.length) return false;
  const here = rows.indexOf(document.activeElement?.closest("li")?.querySelector("a.row"));
  const next = here < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(here + step, 0), rows.length - 1);
  rows[next].focus();
  rows[next].scrollIntoView({ block: "nearest" });
  return true;
}

// Ticks the box of the row that has the focus.
function pickRow() {
  const box = document.activeElement?.closest(".rows li")?.querySelector(".pick input");
  box?.click();
  return Boolean(box);
}

// The box above a list ticks all of its rows, and is ticked as long as all of them are.
document.addEventListener("change", ({ target }) => {
  const card = target.closest?.(".card");
  const all = card?.querySelector("[data-pick-all]");
  if (!all) return;
  const boxes = [...card.querySelectorAll(".pick input")];
  if (target === all) for (const box of boxes) box.checked = all.checked;
  else all.checked = boxes.every((box) => box.checked);
});

function press(key) {
  if (key === "j" || key === "k") if (alongRows(key === "j" ? 1 : -1)) return true;
  if (key === "x") return pickRow();
  if (key === "e" && document.querySelector(".pick input:checked")) {
    const close = document.querySelector("#bulk [value=close]");
    close?.click();
    return Boolean(close);
  }
  const control = document.querySelector(`:is(#main, [role=search]) [data-key="${CSS.escape(key)}"]`);
  if (!control || control.disabled) return false;
  if (control.dataset.way) document.getElementById(control.dataset.way)?.click(); // it may stand behind the other
  if (inField(control)) control.focus();
  else control.click();
  const menu = control.closest("details.menu");
  if (control.matches("summary") && menu.open) menu.querySelector(".menu-items :is(button, a, input:not([type=hidden]), select)")?.focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  if (key === "Enter" && event.shiftKey && (event.ctrlKey || event.metaKey)) {
    const next = target.form?.querySelector("[data-next]");
    if (next) {
      event.preventDefault();
      target.form.requestSubmit(next);
    }
    return;
  }
  if (key === "Escape") {
    const menu = target.closest?.("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (target.matches?.("textarea")) target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || key.length !== 1 || inField(target)) return;
  if (document.getElementById("main")?.dataset.keys === "off") return;
  if (press(key)) event.preventDefault();
});

// One menu at a time, and none once something else is clicked.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
