// The slider of a conversation's history. Loaded before app.js.
"use strict";

const STEP_PAUSE = 150; // milliseconds that the slider rests before its change is loaded

// Shows the conversation as it was while the slider moves; the page, its focus and the slider stay.
function followSteps() {
  const form = document.querySelector("[data-steps]");
  if (!form) return;
  const slider = form.querySelector("input[type=range]");
  const said = form.querySelector("output");
  let timer = null;
  let asked = null;
  async function load() {
    asked?.abort();
    const mine = (asked = new AbortController());
    const address = `${form.getAttribute("action")}?step=${slider.value}`;
    try {
      const answer = await request(address, { cache: "no-store", signal: mine.signal });
      const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
      if (asked !== mine) return;
      if (!fresh || !fresh.querySelector("[data-steps]")) return location.assign(address);
      put(fresh, answer.url);
    } catch {
      if (asked === mine && form.isConnected) said.textContent = say("not_loaded");
    }
  }
  function put(fresh, address) {
    for (const part of document.querySelectorAll("[data-then]")) {
      const other = fresh.querySelector(`[data-then="${part.dataset.then}"]`);
      part.replaceChildren(...document.adoptNode(other).childNodes);
    }
    const other = fresh.getElementById("step");
    slider.max = other.max; // somebody may have written meanwhile
    slider.setAttribute("aria-valuetext", other.getAttribute("aria-valuetext"));
    said.textContent = fresh.getElementById("step-said").textContent;
    if (window.embedded) window.embedded.movedTo(address);
    else history.replaceState(null, "", address);
    document.querySelector("[data-changed]")?.closest(".message").scrollIntoView({ block: "nearest" });
  }
  slider.addEventListener("input", () => {
    const words = say("step", { number: slider.value, count: slider.max });
    said.textContent = words;
    slider.setAttribute("aria-valuetext", words);
    clearTimeout(timer);
    timer = setTimeout(load, STEP_PAUSE);
  });
  form.querySelector("button").hidden = true; // moving the slider is enough
  over.add(() => {
    clearTimeout(timer);
    asked?.abort();
    asked = null;
  });
}
