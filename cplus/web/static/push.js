// Turns notifications on and off in this browser: only a script can ask it. The server keeps what
// the browser answers.
"use strict";

(() => {
  const on = document.getElementById("push-on");
  const off = document.getElementById("push-off");
  const put = (state) =>
    document.querySelectorAll("[data-push-state]").forEach((one) => (one.hidden = one.dataset.pushState !== state));
  const possible = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

  // The browser's subscription for the app's key; one for another key is of no use.
  async function subscribed(key) {
    await navigator.serviceWorker.register("/push_worker.js");
    const { pushManager } = await navigator.serviceWorker.ready;
    const wanted = bytes(key);
    const there = await pushManager.getSubscription();
    const same = there && String(new Uint8Array(there.options.applicationServerKey ?? [])) === String(wanted);
    if (same) return there;
    await there?.unsubscribe();
    return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: wanted });
  }

  async function turnOn(form) {
    if ((await Notification.requestPermission()) !== "granted") return put("denied");
    try {
      const { endpoint, keys } = (await subscribed(form.dataset.key)).toJSON();
      Object.assign(form.elements.endpoint, { value: endpoint });
      Object.assign(form.elements.p256dh, { value: keys.p256dh });
      Object.assign(form.elements.auth, { value: keys.auth });
    } catch {
      return put("failed");
    }
    form.submit();
  }

  async function turnOff(form) {
    try {
      const there = await (await navigator.serviceWorker.getRegistration("/"))?.pushManager.getSubscription();
      await there?.unsubscribe();
    } finally {
      form.submit(); // the server forgets it in any case
    }
  }

  // What the server knows of this browser may have ended in the browser's own settings.
  async function look() {
    const registered = await navigator.serviceWorker.getRegistration("/");
    const there = await registered?.pushManager.getSubscription();
    if (!there || Notification.permission !== "granted") put("ended");
  }

  if (on) {
    if (!possible) put("impossible");
    else if (Notification.permission === "denied") put("denied");
    else put("possible");
    on.addEventListener("submit", (event) => {
      event.preventDefault();
      turnOn(on);
    });
  }
  if (off && possible) {
    look();
    off.addEventListener("submit", (event) => {
      event.preventDefault();
      turnOff(off);
    });
  }
})();
