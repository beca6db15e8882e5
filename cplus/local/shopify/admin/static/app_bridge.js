// The App Bridge of the local Shopify: what an embedded page of this app may use of Shopify's own,
// and no more. It stands first in the page's head, in no mode that defers it.
"use strict";

(() => {
  const admin = new URL(document.currentScript.src).origin;
  const SHOPIFYS = ["embedded", "hmac", "host", "id_token", "locale", "session", "shop", "timestamp"];
  const key = document.querySelector('meta[name="shopify-api-key"]')?.content;
  if (!key) return console.error("App Bridge: the page has no meta element shopify-api-key before it");

  const asked = new URLSearchParams(location.search);
  const config = { apiKey: key, host: asked.get("host"), shop: asked.get("shop"), locale: asked.get("locale") };
  try {
    // Later documents of the tab have no such query.
    const kept = JSON.parse(sessionStorage.getItem("app-bridge-config") ?? "{}");
    for (const name of Object.keys(config)) config[name] ??= kept[name] ?? null;
    sessionStorage.setItem("app-bridge-config", JSON.stringify(config));
  } catch {
    // A browser that keeps nothing for frames of other sites.
  }
  const embedded = window.parent !== window;

  if (!embedded && config.host) {
    // The app was opened without its Admin: it leads there, as Shopify's does.
    const store = atob(config.host.replaceAll("-", "+").replaceAll("_", "/")).replace("admin.shopify.com", "");
    return location.replace(`${admin}${store}/apps/${key}${ownPath()}`);
  }

  const waiting = new Map();
  let calls = 0;
  const tell = (kind, told = {}) => embedded && window.parent.postMessage({ bridge: kind, ...told }, admin);

  function idToken() {
    if (!embedded) return Promise.reject(new Error("the page is not in Shopify's Admin"));
    return new Promise((resolve, reject) => {
      const call = ++calls;
      waiting.set(call, { resolve, reject });
      tell("token", { call });
    });
  }

  // Asks the merchant for optional scopes, in a window of the Admin's.
  const scopes = {
    request(asked) {
      if (!embedded) return Promise.reject(new Error("the page is not in Shopify's Admin"));
      return new Promise((resolve, reject) => {
        const call = ++calls;
        waiting.set(call, { resolve, reject });
        tell("scopes", { call, scopes: [...asked] });
      });
    },
  };

  // --- what the Admin says
  const heard = {
    scopes({ call, result, detail }) {
      const { resolve, reject } = waiting.get(call) ?? {};
      waiting.delete(call);
      if (result) resolve?.({ result, detail });
      else reject?.(new Error("the app declares no such scope"));
    },
    token({ call, token }) {
      const { resolve, reject } = waiting.get(call) ?? {};
      waiting.delete(call);
      if (token) resolve?.(token);
      else reject?.(new Error("the Admin gave no token"));
    },
    navigate: ({ path }) => navigate(path),
    saved: () => bar.save?.(),
    discarded: () => bar.discard?.(),
  };
  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== admin) return;
    heard[event.data?.bridge]?.(event.data);
  });

  // --- addresses
  function ownPath() {
    const here = new URL(location.href);
    SHOPIFYS.forEach((name) => here.searchParams.delete(name));
    return here.pathname + here.search;
  }
  const tellAddress = (pushed = false) => tell("address", { path: ownPath(), pushed });
  for (const name of ["pushState", "replaceState"]) {
    const plain = history[name];
    history[name] = function (...given) {
      plain.apply(this, given);
      tellAddress(name === "pushState");
    };
  }
  window.addEventListener("popstate", () => tellAddress());

  let routed = false; // whether the page listens for navigations
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (name, ...given) {
    routed ||= name === "shopify:navigate";
    return listen.call(this, name, ...given);
  };
  function navigate(path) {
    const links = [...document.querySelectorAll("s-app-nav s-link, ui-nav-menu a")];
    const link = links.find((one) => one.getAttribute("href") === path);
    const event = new CustomEvent("shopify:navigate", { bubbles: true, cancelable: true, detail: { path } });
    const goesOn = (link ?? document).dispatchEvent(event);
    if (goesOn && !routed) location.assign(path);
  }

  const plainOpen = window.open;
  window.open = function (address, target, ...given) {
    if (!embedded || (target !== "_top" && target !== "_parent")) return plainOpen.call(this, address, target, ...given);
    const to = String(address);
    tell("open", { url: to.startsWith("shopify://admin") ? to : new URL(to, location.href).href });
    return null;
  };

  // --- fetch: requests to the app carry a token, and are sent once more if the app finds it too old
  const plainFetch = window.fetch;
  window.fetch = async function (input, init) {
    const request = new Request(input, init);
    if (new URL(request.url).origin !== location.origin || request.headers.has("Authorization") || !embedded) {
      return plainFetch(request);
    }
    const send = async () => {
      const sent = request.clone();
      sent.headers.set("Authorization", `Bearer ${await idToken()}`);
      return plainFetch(sent);
    };
    const answer = await send();
    const again = answer.status === 401 && answer.headers.get("X-Shopify-Retry-Invalid-Session-Request");
    return again ? send() : answer;
  };

  // --- save bars: of an element `ui-save-bar`, or of a form with `data-save-bar`
  const bar = { id: null, save: null, discard: null };
  function showBar(id, save, discard, options = {}) {
    Object.assign(bar, { id, save, discard });
    tell("saveBar", { on: true, ...options });
  }
  function hideBar(id) {
    if (bar.id !== id) return;
    Object.assign(bar, { id: null, save: null, discard: null });
    tell("saveBar", { on: false });
  }
  function barOf(id) {
    const element = document.getElementById(id);
    if (element?.localName !== "ui-save-bar") throw new Error(`there is no ui-save-bar with the id ${id}`);
    return element;
  }
  const saveBar = {
    async show(id) {
      const buttons = [...barOf(id).querySelectorAll("button")];
      const save = buttons.find((one) => one.getAttribute("variant") === "primary");
      const discard = buttons.find((one) => one !== save);
      showBar(id, () => save?.click(), () => discard?.click(), { saveDisabled: Boolean(save?.disabled) });
    },
    async hide(id) {
      barOf(id);
      hideBar(id);
    },
  };
  const contents = (form) => new URLSearchParams([...new FormData(form)].filter(([, one]) => typeof one === "string")).toString();
  const unchanged = new WeakMap();
  const known = (form) => unchanged.has(form) || unchanged.set(form, contents(form));
  function changed({ target }) {
    const form = target.form;
    if (!form?.hasAttribute("data-save-bar")) return;
    known(form);
    if (contents(form) === unchanged.get(form)) return hideBar(form);
    if (bar.id !== form) showBar(form, () => form.requestSubmit(), () => form.reset());
  }
  document.addEventListener("input", changed);
  document.addEventListener("change", changed);
  for (const name of ["submit", "reset"]) {
    document.addEventListener(name, ({ target }) => {
      if (!target.hasAttribute?.("data-save-bar")) return;
      if (name === "submit") unchanged.set(target, contents(target));
      hideBar(target);
    });
  }

  // --- what the Admin draws of the page: its menu and its title
  let drawn = "";
  function tellPage() {
    document.querySelectorAll("form[data-save-bar]").forEach(known);
    if (bar.id instanceof Element && !bar.id.isConnected) hideBar(bar.id);
    if (typeof bar.id === "string" && !document.getElementById(bar.id)) hideBar(bar.id);
    const links = [...document.querySelectorAll("s-app-nav s-link, ui-nav-menu a")].map((one) => ({
      href: one.getAttribute("href"),
      text: one.textContent.trim(),
      home: one.getAttribute("rel") === "home",
    }));
    const title =
      document.querySelector("s-page[heading]")?.getAttribute("heading") ??
      document.querySelector("ui-title-bar[title]")?.getAttribute("title") ??
      "";
    const page = JSON.stringify({ links, title });
    if (page !== drawn) tell("page", { links, title });
    drawn = page;
  }
  new MutationObserver(tellPage).observe(document.documentElement, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: ["href", "heading", "title", "rel"],
  });
  class Unseen extends HTMLElement {
    connectedCallback() {
      this.style.display = "none"; // drawn by the Admin
    }
  }
  for (const name of ["s-app-nav", "ui-nav-menu", "ui-save-bar", "ui-title-bar"]) {
    customElements.define(name, class extends Unseen {});
  }

  let toasts = 0;
  window.shopify = {
    config,
    environment: { embedded },
    idToken,
    loading: (on = true) => tell("loading", { on: Boolean(on) }),
    saveBar,
    scopes,
    toast: {
      show(message, { isError = false, duration = 5000 } = {}) {
        const id = `toast-${++toasts}`;
        tell("toast", { message: String(message), isError: Boolean(isError), duration: Number(duration) });
        return id;
      },
    },
  };
  tell("begun");
  tellAddress();
  document.addEventListener("DOMContentLoaded", tellPage);
})();
