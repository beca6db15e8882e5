// Inside Shopify's Admin: an optional scope is asked for in place, once the merchant wants that.
"use strict";

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-scope]");
  const plain = !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (!link || !plain || !window.shopify?.scopes) return; // the link leads to Shopify's own page
  event.preventDefault();
  const said = link.parentElement.querySelector("[role=status]");
  said.textContent = "";
  try {
    const { result } = await window.shopify.scopes.request([link.dataset.scope]);
    link.hidden = result === "granted-all";
    said.textContent = link.hidden ? say("scope_granted") : say("scope_declined");
  } catch {
    said.textContent = say("scope_failed");
  }
});
