// Who else of the team looks at a conversation, or is writing in it. Loaded before app.js.
"use strict";

const HERE_EVERY = 10000; // milliseconds: a page that says nothing for 45 seconds is away
// Milliseconds after a key that somebody counts as writing: what two pages take that ask each 4
// seconds, and more.
const TYPED_FOR = 15000;
const presence = { typed: -Infinity, said: -Infinity, writing: false, page: null };

document.addEventListener("input", (event) => {
  if (event.target.matches("textarea[data-draft], textarea[data-note]")) presence.typed = performance.now();
});

// What a question for news says of the conversation that the page shows.
function looking() {
  const { conversation } = main.dataset;
  if (!conversation) return {};
  const now = performance.now();
  const writing = now - presence.typed < TYPED_FOR;
  const asked = { conversation };
  if (presence.page !== main || writing !== presence.writing || now - presence.said >= HERE_EVERY) {
    Object.assign(presence, { page: main, said: now, writing });
    asked.here = "1";
    if (writing) asked.writing = "1";
  }
  return asked;
}

function tellPresent(words) {
  const place = document.getElementById("present");
  if (place && words !== undefined && place.textContent !== words) place.textContent = words;
}
