// Replies that wait to be sent. Loaded before app.js.
"use strict";

// Counts the seconds down in which a reply can be undone. The server says how many are left, so
// that a wrong clock of this computer makes no difference.
const ends = new WeakMap();
function tellSeconds() {
  for (const state of document.querySelectorAll("[data-left]")) {
    if (!ends.has(state)) ends.set(state, performance.now() + Number(state.dataset.left) * 1000);
    const left = Math.ceil((ends.get(state) - performance.now()) / 1000);
    const words = state.querySelector("span");
    const said = left > 0 ? say("sending_in", { seconds: left }) : say("sending");
    if (words.textContent !== said) words.textContent = said;
    const undo = state.parentElement.querySelector("[data-undo]");
    if (undo && left <= 0) undo.hidden = true;
  }
}
setInterval(tellSeconds, 250);
