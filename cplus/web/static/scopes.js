// Inside Shopify's Admin: an optional scope is asked for in place, once the merchant wants that.
"use strict";

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-scope]");
  const plain = !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (!link || !plain || !window.shopify?.scopes) return; // the link leads to Shopify's own page
  event.preventDefault();
  const { scope } = link.dataset;
  answered(scope, "");
  try {
    const { result } = await window.shopify.scopes.request([scope]);
    const granted = result === "granted-all";
    answered(scope, granted ? say("scope_granted") : say("scope_declined"), granted);
  } catch {
    answered(scope, say("scope_failed"));
  }
});

// The link is looked for anew: news may have replaced it while the merchant was asked.
function answered(scope, words, done = false) {
  const link = document.querySelector(`a[data-scope="${CSS.escape(scope)}"]`);
  if (!link) return;
  link.hidden = done;
  link.parentElement.querySelector("[role=status]").textContent = words;
}
