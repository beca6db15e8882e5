// Notes for the team. Loaded before app.js.
"use strict";

// Keeps what is typed in a note across reloads of the tab until it is saved, apart from any reply.
function keepNote() {
  const key = `note ${location.pathname}`;
  const asked = new URLSearchParams(location.search);
  if (asked.get("done") === "note_saved" && memory.getItem(key) === memory.getItem(`sent ${key}`)) forget(key);
  if (document.querySelector("[data-erased]")) forget(key); // it may name them
  const box = document.querySelector("textarea[data-note]");
  if (!box) return;
  if (!box.value) box.value = memory.getItem(key) ?? "";
  // Whoever was writing a note goes on with it.
  if (box.value && !document.querySelector("textarea[data-draft]")?.value) document.getElementById("way-note")?.click();
  box.addEventListener("input", () => memory.setItem(key, box.value));
  box.form.addEventListener("submit", () => [key, `sent ${key}`].forEach((name) => memory.setItem(name, box.value)));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && (event.ctrlKey || event.metaKey)) box.form.requestSubmit();
  });
}
