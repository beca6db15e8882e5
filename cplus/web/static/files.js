// The files of a message that is being written. Each goes to the app as soon as it is chosen, in
// pieces, as one request takes no more; the form then carries a token of each. Loaded before app.js.
"use strict";

const PIECE_BYTES = 3 * 1024 * 1024; // as the app wants it
const AGAIN_AFTER = [1000, 3000]; // milliseconds, before a piece is sent again by itself

class NotTaken extends Error {}

function sizeOf(bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1000)} kB`;
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return `${(bytes / 1e6).toLocaleString(document.documentElement.lang, digits)} MB`;
}

// Sends one piece and answers what the app says of it. Faults on the way are tried again.
async function sendPiece(fields, stop) {
  for (const pause of [...AGAIN_AFTER, null]) {
    try {
      const signal = AbortSignal.any?.([stop, AbortSignal.timeout(120000)]) ?? stop;
      const answer = await request("/api/uploads", { method: "POST", body: fields, cache: "no-store", signal });
      if (answer.ok) return await answer.json();
      if (answer.status === 401) await signedOut(answer);
      if (answer.status < 500 && answer.status !== 429) {
        const { reason } = await answer.json().catch(() => ({}));
        throw new NotTaken(reason ?? say("not_taken"));
      }
    } catch (error) {
      if (stop.aborted || error instanceof NotTaken) throw error;
    }
    if (pause !== null) await new Promise((done) => setTimeout(done, pause));
  }
  throw new NotTaken(say("not_uploaded"));
}

// Sends what is missing of a file. What was taken before is not sent again.
async function sendFile(one, form, show) {
  const { file } = one;
  while (!one.whole) {
    const fields = new FormData();
    for (const name of ["csrf", "key"]) fields.set(name, form.elements[name].value);
    if (one.token) fields.set("token", one.token);
    const told = { name: file.name, type: file.type, size: file.size, number: one.pieces };
    for (const [name, value] of Object.entries(told)) fields.set(name, value);
    const from = one.pieces * PIECE_BYTES;
    fields.set("piece", file.slice(from, from + PIECE_BYTES), "piece");
    const { token, whole } = await sendPiece(fields, one.stop.signal);
    Object.assign(one, { token, whole, pieces: one.pieces + 1 });
    show();
  }
}

// The line of a file, with its size or how far it is, and buttons.
function fileLine(one, { out, again }) {
  const item = document.createElement("li");
  item.innerHTML = '<bdi></bdi><span class="faint"></span><progress></progress><span class="reason" role="alert"></span>';
  const [name, bytes, bar, reason] = item.children;
  name.textContent = one.file.name;
  bar.setAttribute("aria-label", say("uploading", { name: one.file.name }));
  bar.max = one.file.size || 1;
  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "plain-button";
    made.textContent = say(text);
    made.setAttribute("aria-label", say(`${text}_file`, { name: one.file.name }));
    made.onclick = act;
    item.append(made);
    return made;
  };
  const retry = button("try_again", again);
  button("remove", out);
  const carried = document.createElement("input");
  carried.type = "hidden";
  item.append(carried);
  one.show = () => {
    const sent = Math.min(one.pieces * PIECE_BYTES, one.file.size);
    bytes.textContent = one.state === "sending" ? say("size_of", { sent: sizeOf(sent), size: sizeOf(one.file.size) }) : sizeOf(one.file.size);
    bar.value = sent;
    bar.hidden = one.state !== "sending";
    reason.textContent = one.reason;
    reason.hidden = retry.hidden = one.state !== "failed";
    if (one.state !== "done") return;
    carried.name = `upload-${one.number}`;
    carried.value = one.token;
  };
  return item;
}

// The files that are chosen, dropped or pasted. Too many and too large ones are refused before any
// more is sent.
function chooseFiles() {
  const field = document.querySelector("input[data-files]");
  if (!field) return;
  const box = field.closest(".attach");
  const [list, told, limit] = [box.querySelector(".chosen"), box.querySelector(":scope > .reason"), box.querySelector("[data-limit]")];
  const [most, many] = [Number(field.dataset.most), Number(field.dataset.many)];
  limit.textContent = limit.dataset.limit;
  field.removeAttribute("name"); // its files do not go with the form
  let [held, count, busy] = [[], 0, false];
  over.add(() => held.forEach((one) => one.stop.abort()));

  function refusal() {
    const kept = [...box.querySelectorAll(".kept input:checked")].map((one) => Number(one.dataset.size));
    const sizes = [...kept, ...held.map((one) => one.file.size)];
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (bytes > most) return say("too_large", { size: sizeOf(bytes), most: sizeOf(most) });
    return sizes.length > many ? say("too_many", { count: sizes.length, most: many }) : "";
  }
  function show() {
    held.forEach((one) => one.show());
    list.hidden = !held.length;
    const refused = refusal();
    told.hidden = !refused;
    told.textContent = refused;
    const failed = held.some((one) => one.state === "failed") && say("one_failed");
    const going = held.some((one) => one.state !== "done") && say("wait");
    field.setCustomValidity(refused || failed || going || "");
  }
  async function send() {
    const one = held.find((next) => next.state === "waiting");
    if (busy || !one || refusal()) return;
    [busy, one.state, one.reason] = [true, "sending", ""];
    show();
    try {
      await sendFile(one, field.form, show);
      one.state = "done";
    } catch (error) {
      [one.state, one.reason] = ["failed", error instanceof NotTaken ? error.message : say("not_uploaded")];
    }
    busy = false;
    show();
    changed();
    send();
  }
  // What is kept as a draft has other files now.
  function changed() {
    field.form.dispatchEvent(new Event("change"));
  }
  function add(files) {
    for (const file of files) {
      const one = { file, number: ++count, pieces: 0, token: "", whole: false, state: "waiting", reason: "", stop: new AbortController() };
      one.line = fileLine(one, { out: () => remove(one), again: () => wait(one) });
      held.push(one);
      list.append(one.line);
    }
    show();
    send();
  }
  function remove(one) {
    one.stop.abort();
    one.line.remove();
    held = held.filter((other) => other !== one);
    show();
    changed();
    send();
    field.focus();
  }
  function wait(one) {
    one.state = "waiting";
    show();
    send();
  }
  field.addEventListener("change", () => {
    add([...field.files]);
    field.value = "";
  });
  box.addEventListener("change", (event) => {
    if (!event.target.closest(".kept")) return;
    show();
    send();
  });
  const { form } = field;
  form.addEventListener("dragover", (event) => {
    if ([...(event.dataTransfer?.types ?? [])].includes("Files")) event.preventDefault();
  });
  for (const [kind, of] of [["paste", (event) => event.clipboardData], ["drop", (event) => event.dataTransfer]]) {
    form.addEventListener(kind, (event) => {
      const files = [...(of(event)?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      add(files);
    });
  }
  show();
}
