// What a tab keeps and asks: its shop, its session, what is typed in it. Loaded before app.js.
"use strict";

// Our texts in the language of the page, by name. A value stands in its text as %(name)s.
const TEXTS = JSON.parse(document.getElementById("texts").textContent);
function say(name, values = {}) {
  return TEXTS[name].replace(/%\((\w+)\)s/g, (_, value) => values[value]);
}

// Inside Shopify's Admin embedded.js asks, with a token: without App Bridge nobody does.
const framed = "embedded" in document.documentElement.dataset;
async function request(address, init) {
  if (framed && !window.embedded) throw new Error("there is no App Bridge");
  return (window.embedded ?? window).fetch(address, init);
}

// The tab's own memory; a browser may keep none for frames of other sites.
const memory = (() => {
  try {
    sessionStorage.getItem("draft");
    return sessionStorage;
  } catch {
    const held = new Map();
    return {
      getItem: (key) => held.get(key) ?? null,
      setItem: (key, value) => held.set(key, value),
      removeItem: (key) => held.delete(key),
      clear: () => held.clear(),
    };
  }
})();

// Says that the browser is signed in to another shop than this tab was opened for, and leads back.
// `stays`: what a merchant who wants the other one does.
function otherShop(shop, stays) {
  const told = document.getElementById("other-shop");
  const [link, stay] = [told.querySelector("a"), told.querySelector("button")];
  told.querySelector("b").textContent = shop;
  link.href = `/auth/install?${new URLSearchParams({ shop, next: location.pathname + location.search })}`;
  stay.hidden = !stays;
  stay.onclick = stays;
  told.hidden = false;
}

// A tab keeps to its shop, or says that it can't: cookies belong to the whole browser.
function keepShop() {
  if (framed) return;
  const { shop } = document.documentElement.dataset;
  const before = memory.getItem("shop");
  if (!shop) return memory.removeItem("shop"); // the page that signs in
  if (!before) return memory.setItem("shop", shop);
  if (before === shop) return;
  otherShop(before, () => {
    memory.setItem("shop", shop);
    document.getElementById("other-shop").hidden = true;
  });
}

// Says that the session is over, and leads back to this page once the merchant has signed in.
async function signedOut(answer) {
  const { error, note } = await answer.json().catch(() => ({}));
  const told = document.getElementById("signed-out");
  if (!told) return;
  const link = told.querySelector("a");
  if (window.embedded) return window.embedded.notConfirmed(told, note === "gone" ? error : "");
  const to = new URL(link.href);
  const here = new URL(location.href);
  if (note === "other") return otherShop(document.documentElement.dataset.shop);
  here.searchParams.delete("at");
  to.searchParams.set("next", here.pathname + here.search);
  if (note === "gone") {
    to.searchParams.set("note", note);
    told.querySelector("span").textContent = error;
    link.textContent = say("install_again");
  }
  link.href = to;
  told.hidden = false;
}

// The address of a question for this shop's news.
function ofShop(address, query = {}) {
  return `${address}?${new URLSearchParams({ ...query, shop: document.documentElement.dataset.shop })}`;
}
