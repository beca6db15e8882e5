// The form for a reply, and replies that wait to be sent. Loaded before app.js.
"use strict";

// Counts the seconds down in which a reply can be undone. The server says how many are left, so
// that a wrong clock of this computer makes no difference.
const ends = new WeakMap();
function tellSeconds() {
  for (const state of document.querySelectorAll("[data-left]")) {
    if (!ends.has(state)) ends.set(state, performance.now() + Number(state.dataset.left) * 1000);
    const left = Math.ceil((ends.get(state) - performance.now()) / 1000);
    const words = state.querySelector("span");
    const said = left > 0 ? `Sending in ${left} s` : "Sending";
    if (words.textContent !== said) words.textContent = said;
    const undo = state.parentElement.querySelector("[data-undo]");
    if (undo && left <= 0) undo.hidden = true;
  }
}
setInterval(tellSeconds, 250);

// The files that are chosen: each with its size and a button that takes it out; dropped or pasted
// ones are added. Too many bytes are refused before anything is sent.
function chooseFiles() {
  const field = document.querySelector("input[data-files]");
  if (!field) return;
  const box = field.closest(".attach");
  const [list, told] = [box.querySelector(".chosen"), box.querySelector(".reason")];
  const most = Number(field.dataset.most);
  const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
  let held = [];
  function put(files) {
    held = files;
    const all = new DataTransfer();
    files.forEach((file) => all.items.add(file));
    field.files = all.files;
    list.replaceChildren(...files.map(row));
    list.hidden = !files.length;
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    told.hidden = bytes <= most;
    told.textContent = bytes <= most ? "" : `These files are ${size(bytes)} together; a reply takes ${size(most)}. Take one out.`;
    field.setCustomValidity(told.textContent);
  }
  function row(file) {
    const item = document.createElement("li");
    const name = document.createElement("bdi");
    name.textContent = file.name;
    const bytes = document.createElement("span");
    bytes.className = "faint";
    bytes.textContent = size(file.size);
    const out = document.createElement("button");
    out.type = "button";
    out.className = "plain-button";
    out.textContent = "Remove";
    out.setAttribute("aria-label", `Remove ${file.name}`);
    out.onclick = () => {
      put(held.filter((one) => one !== file));
      field.focus();
    };
    item.append(name, bytes, out);
    return item;
  }
  field.addEventListener("change", () => put([...held, ...field.files].filter((file, at, all) => all.indexOf(file) === at)));
  const form = field.form;
  form.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    put([...held, ...files]);
  });
  form.addEventListener("dragover", (event) => {
    if ([...(event.dataTransfer?.types ?? [])].includes("Files")) event.preventDefault();
  });
  form.addEventListener("drop", (event) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    put([...held, ...files]);
  });
}
