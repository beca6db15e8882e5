// Runs in the browser without any page: shows what the app pushes. Served at the root of the app.
"use strict";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));

// One notification for each conversation: a newer message takes the place of the one before. The
// same message again makes no sound.
async function show(data) {
  let told = {};
  try {
    told = data.json();
  } catch {
    // Browsers want each push to be shown, also one that says nothing.
  }
  const tag = told.conversation ?? "news";
  const before = await self.registration.getNotifications({ tag });
  const again = before.some((one) => one.data?.message === told.message);
  await self.registration.showNotification(told.title || "Conversations Plus", {
    body: told.body || "A customer wrote a new message.",
    tag,
    renotify: !again,
    silent: again,
    timestamp: told.at,
    data: { link: told.link, conversation: told.conversation, message: told.message },
  });
}

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

// The push service ended the subscription, as some do from time to time: the app is told the new
// one, or nobody would be told of anything any more.
async function renew({ oldSubscription, newSubscription }) {
  const options = oldSubscription?.options;
  const made = newSubscription ?? (options && (await self.registration.pushManager.subscribe(options)));
  if (!made) return;
  const { endpoint, keys } = made.toJSON();
  await fetch("/push_renewed", {
    method: "POST",
    body: new URLSearchParams({ endpoint, p256dh: keys.p256dh, auth: keys.auth }),
  });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data ?? {}));
});

// A window that shows the conversation already, or a new one.
async function open({ link, conversation }) {
  const windows = await self.clients.matchAll({ type: "window" });
  const there = windows.find((one) => new URL(one.url).pathname === `/conversations/${conversation}`);
  if (there) return there.focus();
  return self.clients.openWindow(link ?? "/inbox");
}
