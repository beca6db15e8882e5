// Improves the pages if JavaScript is on. Every page works without it.
"use strict";

let main = document.getElementById("main");
const INTERVAL = 4000;
const over = new Set(); // what ends with the page: inside Shopify's Admin another takes its place

// Polls one request at a time, never from a hidden tab, and less often after errors. Stops for good
// once the session is over.
function follow(address, onNews) {
  let etag = null;
  let faults = 0;
  let timer = null;
  let asking = false;
  let ended = false;
  let quick = Number(main.dataset.soon) ? 40 : 0; // poll fast for a while after a reply was sent
  const pause = () => (Number(main.dataset.soon) && quick-- > 0 ? 500 : INTERVAL);
  async function ask() {
    timer = null;
    if (document.hidden) return;
    asking = true;
    try {
      const headers = { Accept: "application/json" };
      if (etag) headers["If-None-Match"] = etag;
      const answer = await request(address(), { headers, cache: "no-store", signal: AbortSignal.timeout(15000) });
      if (ended) return;
      if (answer.status === 401) {
        ended = true;
        return await signedOut(answer);
      }
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
    // The jitter keeps many open tabs from polling all at once.
    if (!ended) timer = setTimeout(ask, pause() * 2 ** faults * (0.85 + Math.random() * 0.3));
  }
  const look = () => {
    if (!document.hidden && timer === null && !asking && !ended) ask();
  };
  document.addEventListener("visibilitychange", look);
  timer = setTimeout(ask, pause());
  over.add(() => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  });
}

// Loads a fresh copy of the page from the server; the open page, and what is typed in it, stays.
async function fetchPage() {
  const address = new URL(location.href);
  address.searchParams.delete("at");
  const answer = await request(address, { cache: "no-store", signal: AbortSignal.timeout(15000) });
  if (!answer.ok || answer.redirected) return null;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  // Between the question and this page somebody may have signed in to another shop.
  return fresh.documentElement.dataset.shop === document.documentElement.dataset.shop ? fresh : null;
}

const words = (node) => (node ? node.textContent.replace(/\s+/g, " ") : "");

// Each marked part of this page that differs, with its counterpart in the fresh page.
function* partsOf(fresh) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const other = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    // Most events of a shop change nothing on this page.
    if (other && words(part) !== words(other)) yield [part, other];
  }
}

function putPart(part, other) {
  const held = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const picked = [...part.querySelectorAll(".pick input:checked")].map((box) => box.name);
  // What a script said of something that the merchant did stays.
  const said = new Map([...part.querySelectorAll("[data-said]")].map((one) => [one.dataset.said, one.textContent]));
  part.replaceChildren(...other.cloneNode(true).childNodes);
  for (const one of part.querySelectorAll("[data-said]")) one.textContent = said.get(one.dataset.said) ?? "";
  for (const name of picked) {
    const box = part.querySelector(`input[name="${CSS.escape(name)}"]`);
    if (box) box.checked = true;
  }
  if (held) part.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

// Updates delivery states and adds the merchant's own new messages, which disturb nobody.
// Returns whether a message from somebody else is still missing.
function putQuietly(thread, other) {
  const list = thread.querySelector("ol");
  let left = false;
  for (const message of other.querySelectorAll(".message")) {
    const there = document.getElementById(message.id);
    if (there) {
      const [old, now] = [there.querySelector("footer"), message.querySelector("footer")];
      if (old && now && words(old) !== words(now)) old.replaceWith(now.cloneNode(true));
    } else if (message.classList.contains("mine")) {
      list.append(message.cloneNode(true));
    } else {
      left = true;
    }
  }
  return left;
}

// Whether the merchant is busy on this page: typing, or scrolled away. Scrolling that the page did
// by itself does not count.
const reader = {
  home: 0,
  busy() {
    const picks = document.querySelector(".pick input:checked, details.menu[open]");
    return Boolean(picks) || document.activeElement?.tagName === "TEXTAREA" || Math.abs(window.scrollY - this.home) > 120;
  },
  // Changes the page; the scrolling that this causes counts as the page's own.
  async during(change) {
    const away = window.scrollY - this.home;
    change();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    this.home = window.scrollY - away;
  },
};
window.addEventListener("load", () => setTimeout(() => (reader.home = window.scrollY)));

function followNews() {
  if (!main?.dataset.news) {
    // Nothing on this page changes by itself, but its session ends like that of any other.
    if (document.getElementById("signed-out")) follow(() => ofShop("/api/changes"), async () => {});
    return;
  }
  const offer = document.getElementById("news");
  const told = document.getElementById("told");
  let held = null;
  const tell = () => told && (told.textContent = say("updated"));
  function take() {
    if (!held) return;
    for (const [part, other] of partsOf(held)) {
      // What the merchant has unfolded in the thread stays unfolded if nothing else is new.
      if (part.dataset.part === "thread" && !putQuietly(part, other) && words(part) === words(other)) continue;
      putPart(part, other);
    }
    held = null;
    if (offer) offer.hidden = true;
    tell();
  }
  offer?.addEventListener("click", () => reader.during(take));
  function receive(fresh) {
    held = fresh;
    document.title = fresh.title; // it counts what awaits a reply
    if (!reader.busy()) return take();
    for (const [part, other] of partsOf(fresh)) {
      if (part.querySelector("details.menu[open]")) continue; // somebody is choosing in it
      const quiet = part.dataset.part !== "thread" && part.dataset.part !== "list";
      if (quiet) putPart(part, other);
      else if (part.dataset.part === "list" || putQuietly(part, other)) offer.hidden = false;
    }
    if (!offer || offer.hidden) held = null;
  }
  follow(
    () => ofShop(main.dataset.news, { after: main.dataset.position, ...looking() }),
    async (news) => {
      tellPresent(news.others);
      if (!news.changed) return;
      const page = main;
      const fresh = await fetchPage();
      if (!fresh || page !== main) return;
      const position = fresh.getElementById("main")?.dataset.position;
      const awaited = Number(main.dataset.soon || 0);
      if (awaited && Number(position) >= awaited) {
        document.getElementById("being-sent")?.remove();
        main.dataset.soon = "0";
      }
      main.dataset.position = position;
      await reader.during(() => receive(fresh));
    },
  );
}

// Sends a form once; after Back its button works again.
function sendOnce() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if ("download" in form.dataset) return; // the page stays
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    if ("forget" in form.dataset) memory.clear();
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
  });
  window.addEventListener("pageshow", () => [...document.forms].forEach(release));
}

// Lets a form be sent again.
function release(form) {
  delete form.dataset.sent;
  form.querySelectorAll("button").forEach((button) => (button.disabled = false));
}

// Copies what a button offers. Where the browser doesn't allow it, the text is marked to be copied.
function copyOnClick() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const told = document.getElementById("told");
    const label = (button.dataset.label ??= button.textContent); // also of a second click at once
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = say("copied");
      if (told) told.textContent = say("copied_what", { text: button.dataset.copy });
      setTimeout(() => (button.textContent = label), 2000);
    } catch {
      getSelection().selectAllChildren(button.previousElementSibling);
      if (told) told.textContent = say("selected");
    }
  });
}

// Shows all of a message in its place: with what it quotes, and the signature.
function wholeInPlace() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-whole]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const bubble = link.closest(".bubble");
    if (!bubble.querySelector(":scope > .whole")) {
      const answer = await request(link.href, { cache: "no-store", signal: AbortSignal.timeout(15000) }).catch(() => null);
      const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
      const whole = page && page.getElementById("whole-text");
      if (!whole) return location.assign(link.href);
      whole.removeAttribute("id");
      whole.classList.add("whole");
      whole.hidden = true;
      bubble.prepend(document.adoptNode(whole));
      link.dataset.label = link.textContent;
    }
    const isShort = bubble.querySelector(":scope > .whole").hidden;
    for (const part of bubble.querySelectorAll(":scope > .words, :scope > details.rest, :scope > p.faint")) {
      part.hidden = part.classList.contains("whole") ? !isShort : isShort;
    }
    link.textContent = isShort ? say("hide_quoted") : link.dataset.label;
  });
}

// A file that is larger than one answer: fetched in pieces, and saved as one.
function putTogether() {
  const place = document.querySelector("[data-pieces]");
  if (!place) return;
  const [button, told] = [place.querySelector("button"), place.querySelector("[role=status]")];
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    const pieces = [];
    try {
      for (let number = 0; number < Number(place.dataset.pieces); number++) {
        told.textContent = say("part", { number: number + 1, count: place.dataset.pieces });
        const answer = await fetch(`?piece=${number}`, { cache: "no-store" });
        if (!answer.ok) throw new Error(String(answer.status));
        pieces.push(await answer.blob());
      }
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(pieces, { type: "application/octet-stream" }));
      link.download = place.dataset.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      told.textContent = say("downloaded");
    } catch {
      told.textContent = say("pieces_failed");
    }
    button.disabled = false;
  });
}

// What each page needs, and what ends when another takes its place.
function beginPage() {
  main = document.getElementById("main");
  reader.home = window.scrollY;
  keepDrafts();
  chooseFiles();
  findSaved();
  followSteps();
  offerMentions();
  followNews();
}
function endPage() {
  over.forEach((end) => end());
  over.clear();
}

sendOnce();
keepShop();
copyOnClick();
wholeInPlace();
putTogether();
beginPage();
