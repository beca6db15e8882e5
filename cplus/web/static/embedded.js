// Inside Shopify's Admin: pages and forms go by fetch with a token of Shopify and no cookie, and
// the parts of the page are put in place. Loaded after App Bridge and app.js.
"use strict";

const SHOPIFYS = ["bounced", "embedded", "hmac", "host", "id_token", "locale", "session", "shop", "timestamp"];
const RETRY = "X-Shopify-Retry-Invalid-Session-Request";
const html = document.documentElement;
const bridge = () => window.shopify;

// The address without what Shopify added to it.
function own(address) {
  const url = new URL(address, location.href);
  for (const name of SHOPIFYS) url.searchParams.delete(name);
  return url;
}

// The same address with what says in which shop's Admin it stands, so that it can be loaded again.
function kept(address) {
  const url = own(address);
  const here = new URLSearchParams(location.search);
  for (const name of ["embedded", "shop", "host", "locale"]) if (here.has(name)) url.searchParams.set(name, here.get(name));
  return url;
}

// A fetch of this app; sent once more with a fresh token if the app finds the first one too old.
async function authorised(address, init = {}) {
  const send = async () => {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${await bridge().idToken()}`);
    headers.set("Accept-Language", html.lang); // the Admin's, which only the document was told
    if (html.dataset.tab) headers.set("X-Tab", html.dataset.tab);
    return fetch(own(address), { ...init, headers, credentials: "omit" });
  };
  const answer = await send();
  return answer.status === 401 && answer.headers.has(RETRY) ? send() : answer;
}

// A toast goes by itself, so it says only what went well.
function told(words) {
  bridge()?.toast.show(words, { duration: 5000 });
}

// What went wrong stays beside the form, or else above the page, until something is tried again.
function failed(words, form) {
  const note = document.createElement("p");
  note.id = "failed";
  note.className = "note bad";
  note.setAttribute("role", "alert");
  note.textContent = words;
  if (form?.isConnected) form.append(note);
  else document.getElementById("main").prepend(note);
  note.scrollIntoView({ block: "nearest" });
}

function tryAgain() {
  stopped = null;
  document.getElementById("failed")?.remove();
  const note = document.getElementById("signed-out");
  if (note) note.hidden = true;
}

let stopped = null; // what was asked for when Shopify did not say who this is

// Says so. What was asked for can be tried again in place, which keeps what is typed also where
// the browser lets the frame store nothing. `gone`: that the app is not installed any more.
function notConfirmed(note, gone) {
  const [words, button, link] = note.children;
  const page = own(location.href);
  link.href = html.dataset.admin + (gone ? "" : page.pathname + page.search);
  if (gone) {
    words.textContent = gone;
    link.textContent = say("open_again");
  }
  button.hidden = Boolean(gone);
  button.onclick = () => (stopped ?? reload)();
  note.hidden = false;
}

// The name that an answer gives its file, as RFC 6266 says: the one in UTF-8 before that in ASCII.
function fileName(answer) {
  const told = answer.headers.get("Content-Disposition") ?? "";
  const whole = /filename\*=UTF-8''([^;]+)/i.exec(told);
  return whole ? decodeURIComponent(whole[1]) : /filename="([^"]*)"/.exec(told)?.[1];
}

async function save(answer) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = fileName(answer) || "download";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// Puts the fetched page in place of this one.
function show(fresh) {
  endPage();
  const [old, now] = [document.getElementById("main"), fresh.getElementById("main")];
  document.title = fresh.title;
  if (document.body.className === fresh.body.className) old.replaceWith(document.adoptNode(now));
  else document.body.replaceWith(document.adoptNode(fresh.body));
  const bar = fresh.querySelector("ui-title-bar");
  if (bar) document.querySelector("ui-title-bar")?.setAttribute("title", bar.getAttribute("title"));
  beginPage();
}

// Where the reader is after a page came: what is wrong in it, or its heading, which is announced.
// A fetch does not tell the fragment that it was led to, so whoever sent a form is back at it if it
// has an `id`, or at the first there is of the places in its `data-lands`.
function land(place, { scroll = 0, quiet = false, form = null } = {}) {
  const main = document.getElementById("main");
  const places = place.hash ? [decodeURIComponent(place.hash.slice(1))] : (form?.dataset.lands ?? form?.id ?? "").split(" ");
  const named = places.map((id) => document.getElementById(id)).find(Boolean);
  if (named) named.scrollIntoView();
  else window.scrollTo(0, scroll);
  if (quiet) return;
  const heading = main.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  (main.querySelector("[autofocus]") ?? heading ?? main).focus({ preventScroll: true });
  const announced = document.getElementById("announced");
  if (announced) announced.textContent = document.title;
}

// What was done shows as a toast, once, in the words of the page.
function toast() {
  const done = document.querySelector("#main .note.done");
  if (done) done.hidden = true;
  const words = done?.textContent.trim();
  if (words) told(words);
}

const pageOf = (address) => own(address).href.split("#")[0];
let shown = pageOf(location.href); // the page that is in place
let visits = 0;
let under = null; // the fetch of the page that is on its way

// A script of the page has put another page's parts in place.
function movedTo(address) {
  history.replaceState({ scroll: window.scrollY }, "", kept(address));
  shown = pageOf(location.href);
}

// Loads a page and shows it. `push`: as a new step of the history. Whether it was shown.
async function visit(address, { push = true, scroll = 0, init = {}, quiet = false, form = null, submitter = null } = {}) {
  const mine = ++visits;
  tryAgain();
  under?.abort();
  const stop = (under = new AbortController());
  bridge().loading(true);
  try {
    const answer = await authorised(address, { ...init, signal: stop.signal });
    if (mine !== visits) return false;
    if (answer.status === 401) {
      const same = () => visit(address, { push, scroll, quiet });
      return await lost(answer, () => (form?.isConnected ? form.requestSubmit(submitter) : same()));
    }
    const kind = answer.headers.get("Content-Type") ?? "";
    if (/^attachment/.test(answer.headers.get("Content-Disposition") ?? "") || !kind.startsWith("text/html")) {
      await save(answer);
      told(say("downloaded"));
      return false;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== visits) return false;
    const sent = init.method === "POST";
    // What a form is answered without leading on stands at the address of its page.
    const place = kept(sent && !answer.redirected ? location.href : answer.url);
    place.hash ||= new URL(address, location.href).hash.split(":~:")[0]; // only browsers find a text
    // What leads back to the page of its form is no step that Back would have to undo.
    const back = sent && place.pathname === location.pathname;
    if (push && !back && place.href !== location.href) {
      history.replaceState({ scroll: window.scrollY }, "");
      history.pushState({ scroll: 0 }, "", place);
    } else if (!sent || answer.redirected) history.replaceState({ scroll }, "", place);
    show(fresh);
    shown = pageOf(location.href);
    land(place, { scroll, quiet, form: sent ? form : null });
    if (sent && answer.redirected) toast();
    return true;
  } catch (error) {
    if (error.name !== "AbortError") failed(say("not_loaded"), form);
    return false;
  } finally {
    if (mine === visits) {
      bridge().loading(false);
      under = null;
    }
  }
}

// The same page once more, with what is typed in it.
function reload() {
  return visit(location.href, { push: false, scroll: window.scrollY, quiet: true });
}

// Shopify no longer says who this is: nothing typed is lost, and the note says what to do.
async function lost(answer, again) {
  stopped = again;
  await signedOut(answer);
  document.getElementById("signed-out")?.scrollIntoView({ block: "center" });
  return false;
}

// A page in a window of its own, by a link that signs in once. The window opens at the click, as
// browsers allow none later.
async function openWindow() {
  tryAgain();
  const opened = window.open("", "_blank");
  try {
    const fields = new URLSearchParams({ next: own(location.href).pathname + own(location.href).search });
    const answer = await authorised("/window", { method: "POST", body: fields });
    if (!answer.ok) throw new Error(String(answer.status));
    const { address } = await answer.json();
    if (!opened) return failed(say("window_blocked"));
    opened.opener = null;
    opened.location = address;
  } catch {
    opened?.close();
    failed(say("window_failed"));
  }
}

// Whether a click on a link leads to another page of the app, in this frame.
function leads(link) {
  if (!link?.href || (link.target && link.target !== "_self") || link.hasAttribute("download")) return false;
  const to = new URL(link.href);
  if (to.origin !== location.origin || to.pathname.startsWith("/auth/")) return false;
  return !(to.hash && pageOf(to) === pageOf(location.href));
}

function onClick(event) {
  if (event.target.closest("[data-window]")) return void openWindow();
  const link = event.target.closest("a");
  if (event.defaultPrevented || event.button > 1 || !leads(link)) return;
  event.preventDefault();
  const page = own(link.href);
  const apart = event.button === 1 || event.ctrlKey || event.metaKey || event.shiftKey;
  if (apart) window.open(html.dataset.admin + page.pathname + page.search, "_blank", "noopener");
  else visit(link.href);
}

async function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented) return;
  event.preventDefault();
  const written = new FormData(form, event.submitter);
  // Files go as they are; any other form as short as it can.
  const fields = form.enctype === "multipart/form-data" ? written : new URLSearchParams(written);
  const download = "download" in form.dataset;
  const from = { form, submitter: event.submitter };
  if (form.method === "get") await visit(`${form.getAttribute("action")}?${fields}`, from);
  else await visit(form.getAttribute("action"), { ...from, init: { method: "POST", body: fields } });
  if (!download && form.isConnected) release(form);
}

function onNavigate(event) {
  const path = event.target.getAttribute?.("href") ?? event.detail?.path;
  if (!path) return;
  event.preventDefault();
  visit(path);
}

// Without App Bridge there are no tokens: the page stays as it is and says how to go on.
function withoutBridge() {
  const note = document.getElementById("no-bridge");
  if (note) note.hidden = false;
  document.querySelectorAll("[data-window]").forEach((button) => (button.hidden = true));
  document.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const form of document.forms) setTimeout(() => release(form));
    note?.scrollIntoView({ block: "center" });
  });
}

function begin() {
  window.embedded = { fetch: authorised, notConfirmed, movedTo };
  history.scrollRestoration = "manual";
  history.replaceState({ scroll: 0 }, "", kept(location.href));
  document.addEventListener("click", onClick);
  document.addEventListener("auxclick", onClick);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("shopify:navigate", onNavigate);
  window.addEventListener("popstate", (event) => {
    if (pageOf(location.href) === shown) return; // a step within the page
    visit(location.href, { push: false, scroll: event.state?.scroll ?? 0 });
  });
  // A page that waits for something is loaded again, as the header of the other window says.
  setInterval(() => {
    const wait = document.getElementById("main")?.dataset.refresh;
    if (wait && !document.hidden && !under) reload();
  }, 4000);
}

if (bridge()) begin();
else withoutBridge();
