// The Admin's side of the App Bridge: it hears the one frame that it has, from the app's origin only.
"use strict";

const frame = document.getElementById("app");
const { origin, base, name, tokens, grants } = frame.dataset;
const one = (id) => document.getElementById(id);
const say = (kind, told = {}) => frame.contentWindow.postMessage({ bridge: kind, ...told }, origin);
let unsaved = false;
let frameAt = null; // the app's path, as its frame told it last
let links = [];
const whole = document.title;

const heard = {
  // A new document is in the frame: nothing of the one before is left.
  begun() {
    guarded = false; // a step back would now be the frame's
    showSaveBar(false);
    heard.loading({ on: false });
  },
  async token({ call }) {
    const answer = await fetch(tokens, { method: "POST" }).catch(() => null);
    const { id_token: token } = answer?.ok ? await answer.json() : {};
    if (answer?.status === 410) gone();
    say("token", { call, token });
  },
  // A scope that the app does not declare, or that is granted, is nothing to ask about.
  async scopes({ call, scopes }) {
    const ask = async (answer) => {
      const body = new URLSearchParams({ scopes: scopes.join(","), ...(answer && { answer }) });
      const answered = await fetch(grants, { method: "POST", body }).catch(() => null);
      return answered?.ok ? answered.json() : null;
    };
    const first = await ask();
    const allowed = !first?.asked.length || (await agreed(first.asked));
    const last = allowed && first?.asked.length ? await ask("allow") : first;
    say("scopes", { call, result: last && (allowed ? "granted-all" : "declined-all"), detail: last?.detail });
  },
  page({ links: told, title }) {
    // Drawn only when it is another: a link that is replaced between press and release is not clicked.
    const menu = Array.isArray(told) ? told : [];
    const another = JSON.stringify(menu) !== JSON.stringify(links);
    links = menu;
    if (another) drawMenu();
    one("title").textContent = title || name;
    document.title = title ? `${title} · ${whole}` : whole;
  },
  address({ path, pushed }) {
    if (!String(path).startsWith("/")) return;
    if (pushed) guarded = leaving = false; // the frame's own step lies above the guard
    frameAt = path;
    settle();
  },
  saveBar({ on, saveDisabled }) {
    showSaveBar(Boolean(on));
    one("save").disabled = Boolean(saveDisabled);
  },
  loading({ on }) {
    one("loading").hidden = !on;
  },
  toast({ message, isError, duration }) {
    const toast = document.createElement("p");
    toast.textContent = message;
    toast.classList.toggle("error", Boolean(isError));
    one("toasts").append(toast);
    setTimeout(() => toast.remove(), duration);
  },
  open({ url }) {
    if (blocked()) return;
    const inAdmin = String(url).match(/^shopify:\/\/admin(\/.*)?$/);
    const to = new URL(inAdmin ? base.split("/apps/")[0] + (inAdmin[1] ?? "") : url, location.href);
    if (to.protocol === "https:" || to.protocol === "http:") location.assign(to);
  },
};
window.addEventListener("message", (event) => {
  if (event.source !== frame.contentWindow || event.origin !== origin) return;
  heard[event.data?.bridge]?.(event.data);
});

// Whether the merchant allows what is asked; closing the window declines.
function agreed(asked) {
  const dialog = one("grant");
  one("asked").replaceChildren(
    ...asked.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "allow"), { once: true });
  });
}

function gone() {
  showSaveBar(false);
  one("gone").hidden = false;
  frame.hidden = true;
}

// The Admin's address follows the frame, but stays until all is saved.
function settle() {
  if (unsaved || leaving || frameAt === null) return;
  history.replaceState(null, "", base + (frameAt === "/" ? "" : frameAt));
  drawCurrent();
}

// --- the menu
const home = () => links.find((told) => told.home)?.href ?? "/";
const pathOf = (address) => address.slice(base.length) || "/";
function drawMenu() {
  const items = links.filter((link) => !link.home && String(link.href).startsWith("/"));
  one("app-menu").replaceChildren(
    ...items.map(({ href, text }) => {
      const link = document.createElement("a");
      link.href = base + href;
      link.textContent = text;
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
  drawCurrent();
}
function drawCurrent() {
  const here = pathOf(location.pathname);
  let [best, longest] = [null, -1];
  for (const link of document.querySelectorAll("nav a")) {
    link.removeAttribute("aria-current");
    const path = link.id === "app-home" ? home() : pathOf(link.pathname);
    const within = here === path || here.startsWith(`${path}/`);
    if (within && path.length > longest) [best, longest] = [link, path.length];
  }
  best?.setAttribute("aria-current", "page");
}
document.querySelector("nav").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  openMenu(false);
  if (blocked()) return;
  say("navigate", { path: link.id === "app-home" ? home() : pathOf(link.pathname) + link.search });
});
function openMenu(open) {
  one("side").classList.toggle("open", open);
  one("menu-button").setAttribute("aria-expanded", String(open));
}
one("menu-button").addEventListener("click", () => openMenu(!one("side").classList.contains("open")));

// --- the save bar: while it shows, nothing here leaves the page. No page can refuse a step back, so
// one step of the Admin's own, the guard, lies above the page: Back takes that one, and it is put back.
let guarded = false; // whether the guard is the newest step
let leaving = false; // whether the guard is being taken away
function showSaveBar(on) {
  unsaved = on;
  one("save-bar").hidden = !on;
  one("blocked").textContent = "";
  if (on && !guarded && !leaving) {
    history.pushState({ guard: true }, "");
    guarded = true;
  } else if (!on && guarded) {
    guarded = false;
    leaving = true;
    history.back();
  }
  settle();
}
window.addEventListener("popstate", () => {
  const onGuard = Boolean(history.state?.guard);
  if (leaving && !onGuard) {
    leaving = false;
    if (unsaved) showSaveBar(true); // changed again meanwhile
    settle();
  } else if (unsaved && guarded && !onGuard) {
    blocked();
    history.forward();
  } else if (!unsaved && onGuard) history.back(); // forward to a guard that guards nothing
});
function blocked() {
  if (unsaved) one("blocked").textContent = "Save or discard first.";
  return unsaved;
}
one("save").addEventListener("click", () => say("saved"));
one("discard").addEventListener("click", () => say("discarded"));
for (const kind of ["click", "submit"]) {
  document.addEventListener(kind, (event) => {
    const leaves = kind === "submit" || (event.target.closest("a") && !event.target.closest("nav"));
    if (leaves && blocked()) event.preventDefault();
  });
}
window.addEventListener("beforeunload", (event) => unsaved && event.preventDefault());
one("user").addEventListener("change", () => !blocked() && one("who").requestSubmit());
