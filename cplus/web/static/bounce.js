// Fetches a fresh token from Shopify, and loads the same page again with it.
"use strict";

(async () => {
  const page = document.getElementById("bounce");
  if (page.dataset.stuck === "yes") return;
  // Without App Bridge, or if Shopify gives no token, the page says what else can be done.
  const late = setTimeout(say, 8000);
  function say() {
    page.querySelector("h1").textContent = page.dataset.silent;
    document.getElementById("bounce-lead").hidden = false;
  }
  try {
    const address = new URL(location.href);
    const before = address.searchParams.get("id_token");
    let token = await window.shopify.idToken();
    // App Bridge may give the same token until it is over, and this one was refused.
    const end = Date.now() + 70000;
    while (token === before && Date.now() < end) {
      await new Promise((done) => setTimeout(done, 2000));
      token = await window.shopify.idToken();
    }
    clearTimeout(late);
    if (token === before) return say();
    for (const name of ["hmac", "timestamp", "session"]) address.searchParams.delete(name);
    address.searchParams.set("embedded", "1");
    address.searchParams.set("bounced", "1");
    address.searchParams.set("id_token", token);
    location.replace(address);
  } catch {
    clearTimeout(late);
    say();
  }
})();
