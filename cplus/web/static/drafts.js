// What is being written is kept on the server, while it is typed: for each device of who writes, and
// for nobody else. The tab remembers only what no answer confirmed. Loaded before app.js.
"use strict";

const PAUSE = 1000; // milliseconds without typing, before it is saved
const AGAIN = 15000; // before what was not saved is tried again
const KEEPALIVE_BYTES = 60000; // a browser takes 64 KB of a request that outlives its page

// Forgets what the tab remembers of a text, and what of it was sent.
function forget(key) {
  for (const name of [key, `sent ${key}`, `version ${key}`]) memory.removeItem(name);
}

// What was sent, if the address says so: here, or in the conversation before in a list. What was
// typed since then is no longer what was sent, and stays.
function forgetSent(key, asked) {
  if (asked.has("begun")) forget(memory.getItem("new"));
  const note = key.startsWith("note ");
  const before = !note && asked.get("sent");
  const here = note ? asked.get("done") === "note_saved" : asked.has("at") && !asked.has("done");
  if (!before && !here) return;
  const sent = before ? `draft /conversations/${before}` : key;
  if (memory.getItem(sent) === memory.getItem(`sent ${sent}`)) forget(sent);
}

// By what the tab remembers a new message: one for each.
function keyOfNew() {
  const asked = new URLSearchParams(location.search);
  return `draft ${location.pathname}${asked.get("person") ?? asked.get("draft") ?? ""}`;
}

// The draft of one form: what stands in it is saved, and what was saved elsewhere is offered.
class FormDraft {
  constructor(form, key) {
    Object.assign(this, { form, key, box: form.querySelector("textarea"), timer: null, busy: false, over: false });
    const find = (name) => form.querySelector(`[data-draft-${name}]`);
    Object.assign(this, { told: find("told"), other: find("other"), theirs: find("text"), discard: find("discard") });
    find("save").hidden = true; // it saves by itself
    this.saved = this.words();
    for (const name of ["mine", "theirs"]) {
      const button = find(name);
      button.hidden = false;
      button.onclick = () => this.settle(name);
    }
  }

  // What stands in the form; files go as tokens.
  words() {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) {
      if (typeof value === "string" && !["draft-version", "seen"].includes(name)) fields.append(name, value);
    }
    return fields.toString();
  }

  get version() {
    return this.form.elements["draft-version"].value;
  }

  // Takes up what the tab remembers, because no answer came to it.
  begin() {
    const kept = memory.getItem(this.key);
    if ("unsaved" in this.form.dataset) {
      // Below a reply that was taken back stands what was typed since, as one text with it.
      if (kept && !this.box.value.includes(kept)) this.box.value += `\n\n${kept}`;
      this.saved = "";
      this.typed();
    } else if (kept && kept !== this.box.value) {
      this.box.value = kept;
      this.form.elements["draft-version"].value = memory.getItem(`version ${this.key}`) ?? this.version;
    }
    this.save();
  }

  typed() {
    this.over = false;
    memory.setItem(this.key, this.box.value);
    memory.setItem(`version ${this.key}`, this.version);
    this.later(PAUSE);
  }

  later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), pause);
  }

  // Saves what is not saved. One question at a time, so that each says which version it shows.
  async save() {
    clearTimeout(this.timer);
    const words = this.words();
    if (this.busy || this.over || !this.other.hidden) return;
    if (words === this.saved) return forget(this.key);
    this.busy = true;
    const [text, body] = [this.box.value, `${words}&draft-version=${this.version}`];
    try {
      const headers = { "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" };
      const keepalive = body.length < KEEPALIVE_BYTES;
      const answer = await request("/api/drafts", { method: "POST", headers, body, keepalive, cache: "no-store" });
      if (answer.status === 401) return await signedOut(answer);
      this.take(answer.status, await answer.json(), words, text);
    } catch {
      this.tell(say("draft_not_saved"));
      this.later(AGAIN);
    } finally {
      this.busy = false;
    }
    if (this.words() !== words) this.later(PAUSE); // typed meanwhile
  }

  take(status, told, words, text) {
    const fields = this.form.elements;
    if (status === 409) {
      fields["draft-version"].value = told.version;
      // If all of the other text stands here too, nothing is lost.
      if (!told.other || !this.box.value.includes(told.other)) return this.show(told);
      return this.later(0);
    }
    if (status !== 200 && status !== 410) return this.tell(told.reason);
    // It was sent, discarded or emptied: what is typed from now on is begun anew.
    fields["draft-version"].value = told.version ?? 0;
    if (told.key) fields.key.value = told.key;
    this.saved = words;
    if (memory.getItem(this.key) === text) forget(this.key);
    this.discard.hidden = status === 410;
    this.tell(told.told ?? told.reason ?? "");
    if (status === 200 && this.key.startsWith("draft /conversations/new")) {
      // So that it is found again when the page is loaded again.
      history.replaceState(history.state, "", `/conversations/new?draft=${fields.place.value.split("/")[1]}`);
      this.key = keyOfNew();
      memory.setItem("new", this.key);
    }
  }

  tell(words) {
    this.told.textContent = words;
  }

  // Another text was saved since: both are shown, and nothing is saved before one is chosen.
  show({ reason, other }) {
    this.theirs.textContent = other;
    this.other.hidden = false;
    this.other.querySelector("[role=alert]").textContent = reason;
    this.tell("");
  }

  settle(which) {
    this.other.hidden = true;
    if (which === "theirs") this.box.value = this.theirs.textContent;
    this.saved = "";
    this.box.focus();
    this.typed();
    this.save();
  }

  // The form goes: what it says is a draft no more, unless it comes back.
  submitted(button) {
    clearTimeout(this.timer);
    this.over = true;
    if (button && button === this.discard) return forget(this.key);
    if (this.saved === this.words()) return forget(this.key);
    for (const name of [this.key, `sent ${this.key}`]) memory.setItem(name, this.box.value);
  }
}

// Each form of the page in which a text is written.
function keepDrafts() {
  const asked = new URLSearchParams(location.search);
  const keys = { note: `note ${location.pathname}`, draft: keyOfNew() };
  for (const key of Object.values(keys)) {
    if (document.querySelector("[data-erased]")) forget(key); // it may name them
    forgetSent(key, asked);
  }
  const kept = [...document.querySelectorAll("form[data-draft-form]")].map((form) => {
    const draft = new FormDraft(form, form.querySelector("textarea[data-note]") ? keys.note : keys.draft);
    draft.begin();
    form.addEventListener("input", () => draft.typed());
    form.addEventListener("change", () => draft.typed());
    form.addEventListener("submit", (event) => draft.submitted(event.submitter));
    draft.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    return draft;
  });
  if (!kept.length) return;
  if (location.pathname === "/conversations/new") memory.setItem("new", keys.draft);
  // Whoever was writing a note goes on with it.
  const [note, text] = ["textarea[data-note]", "textarea[data-draft]"].map((one) => document.querySelector(one)?.value);
  if (note && !text) document.getElementById("way-note")?.click();
  const leave = () => kept.forEach((one) => one.save());
  const hide = () => document.hidden && leave();
  const back = () => kept.forEach((one) => (one.over = false));
  document.addEventListener("visibilitychange", hide);
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", back);
  over.add(() => {
    leave();
    kept.forEach((one) => clearTimeout(one.timer));
    document.removeEventListener("visibilitychange", hide);
    window.removeEventListener("pagehide", leave);
    window.removeEventListener("pageshow", back);
  });
}
