// What the pages can do better with JavaScript than without. Every page works without it.
"use strict";

const main = document.getElementById("main");
const INTERVAL = 4000;

// One question at a time, never from a tab that nobody looks at, and rarer after faults.
function follow(address, onNews) {
  let etag = null;
  let faults = 0;
  let timer = null;
  let asking = false;
  let quick = Number(main.dataset.soon) ? 40 : 0; // what was just written is asked for often, for a while
  const pause = () => (Number(main.dataset.soon) && quick-- > 0 ? 500 : INTERVAL);
  async function ask() {
    timer = null;
    if (document.hidden) return;
    asking = true;
    try {
      const headers = { Accept: "application/json" };
      if (etag) headers["If-None-Match"] = etag;
      const answer = await fetch(address(), { headers, cache: "no-store", signal: AbortSignal.timeout(15000) });
      if (answer.status === 401) return;
      if (answer.status === 200) {
        etag = answer.headers.get("ETag");
        await onNews(await answer.json());
      } else if (answer.status !== 304) {
        throw new Error(String(answer.status));
      }
      faults = 0;
    } catch {
      faults = Math.min(faults + 1, 4);
    } finally {
      asking = false;
    }
    // The jitter keeps many open tabs from asking all at once.
    timer = setTimeout(ask, pause() * 2 ** faults * (0.85 + Math.random() * 0.3));
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && timer === null && !asking) ask();
  });
  timer = setTimeout(ask, pause());
}

// Takes the marked parts of this page anew from the server; whatever is being typed stays.
async function fetchParts() {
  const address = new URL(location.href);
  address.searchParams.delete("at");
  const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(15000) });
  if (!answer.ok || answer.redirected) return null;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const pairs = [];
  for (const part of document.querySelectorAll("[data-part]")) {
    const other = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (other) pairs.push([part, other]);
  }
  return { pairs, position: fresh.getElementById("main")?.dataset.position };
}

const words = (node) => node.textContent.replace(/\s+/g, " ");

function put({ pairs, position }) {
  for (const [part, other] of pairs) {
    const held = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    part.replaceChildren(...other.childNodes);
    if (held) part.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  }
  if (position) main.dataset.position = position;
}

function followNews() {
  if (!main?.dataset.news) return;
  const offer = document.getElementById("news");
  const told = document.getElementById("told");
  let held = null;
  function take() {
    if (!held) return;
    put(held);
    held = null;
    if (offer) offer.hidden = true;
    if (told) told.textContent = "There is news on this page.";
  }
  offer?.addEventListener("click", take);
  follow(
    () => `${main.dataset.news}?after=${encodeURIComponent(main.dataset.position)}`,
    async (news) => {
      if (!news.changed) return;
      const fresh = await fetchParts();
      if (!fresh) return;
      const awaited = Number(main.dataset.soon || 0);
      if (awaited && Number(fresh.position) >= awaited) {
        document.getElementById("being-sent")?.remove();
        main.dataset.soon = "0";
      }
      main.dataset.position = fresh.position;
      // Much of what happens in a shop changes nothing on this page.
      if (fresh.pairs.every(([part, other]) => words(part) === words(other))) return;
      held = fresh;
      const busy = document.activeElement?.tagName === "TEXTAREA" || window.scrollY > 120;
      if (offer && busy && !awaited) offer.hidden = false;
      else take();
    },
  );
}

// A form is sent once; Back brings a usable button again.
function sendOnce() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    if ("forget" in form.dataset) sessionStorage.clear();
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) {
      delete form.dataset.sent;
      form.querySelectorAll("button").forEach((button) => (button.disabled = false));
    }
  });
}

// What was typed survives a reload of the tab, until it was sent.
function keepDraft() {
  const box = document.querySelector("textarea[data-draft]");
  if (!box) return;
  const key = `draft ${location.pathname}`;
  if (new URLSearchParams(location.search).has("at")) sessionStorage.removeItem(key);
  else if (!box.value) box.value = sessionStorage.getItem(key) ?? "";
  box.addEventListener("input", () => sessionStorage.setItem(key, box.value));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) box.form.requestSubmit();
  });
}

sendOnce();
keepDraft();
followNews();
