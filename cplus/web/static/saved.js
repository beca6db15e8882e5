// Saved replies in the form for a reply: found while typing (ARIA's combobox with a listbox), after
// the button or a "/" at the start of a line. Loaded before app.js.
"use strict";

function findSaved() {
  const finder = document.querySelector("[data-finds]");
  const button = document.querySelector("[data-insert]");
  if (!finder || !button) return;
  const box = finder.closest("form").querySelector("textarea[data-draft]");
  const [field, list] = [finder.querySelector("input"), finder.querySelector("ul")];
  const told = document.getElementById("saved-told");
  let [found, at, slash, timer, asked] = [[], -1, false, null, 0];
  let place = [0, 0]; // what of the text a saved reply takes the place of

  function mark(index) {
    at = index;
    [...list.children].forEach((one, number) => one.setAttribute("aria-selected", String(number === at)));
    if (at < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  function show(replies) {
    found = replies;
    list.replaceChildren(
      ...found.map((one, number) => {
        const option = document.createElement("li");
        option.id = `saved-${number}`;
        option.setAttribute("role", "option");
        const [name, text] = [document.createElement("b"), document.createElement("span")];
        [name.textContent, text.textContent] = [one.name, one.text.slice(0, 120)];
        name.dir = text.dir = "auto";
        option.append(name, " ", text);
        option.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
        option.addEventListener("click", () => insert(one));
        return option;
      }),
    );
    list.hidden = !found.length;
    field.setAttribute("aria-expanded", String(found.length > 0));
    told.textContent = found.length ? say("saved_count", { count: found.length }) : say("saved_none");
    mark(found.length ? 0 : -1);
  }

  // Only the answer to the last question counts.
  async function ask() {
    const mine = ++asked;
    let replies = null;
    try {
      const address = ofShop(finder.dataset.finds, { q: field.value, person: finder.dataset.person ?? "" });
      const answer = await request(address, { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(15000) });
      if (answer.status === 401) return await signedOut(answer);
      if (answer.ok) replies = (await answer.json()).replies;
    } catch {
      // said below
    }
    if (mine !== asked || finder.hidden) return;
    show(replies ?? []);
    if (!replies) told.textContent = say("saved_failed");
  }

  function open(bySlash) {
    slash = bySlash;
    place = [box.selectionStart, box.selectionEnd];
    field.value = "";
    finder.hidden = false;
    field.focus();
    ask();
  }

  function close() {
    asked++;
    clearTimeout(timer);
    finder.hidden = list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    told.textContent = "";
    mark(-1);
  }

  // As if it was typed, so that it can be undone and is kept as a draft.
  function put(text) {
    box.focus();
    box.setSelectionRange(...place);
    if (!document.execCommand("insertText", false, text)) {
      box.setRangeText(text, ...place, "end");
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  function insert(one) {
    close();
    put(one.text);
    if (!one.missing.length) return;
    told.textContent = say("saved_missing", { what: one.missing.join(", ") });
    const start = box.value.indexOf(one.missing[0], place[0]);
    if (start >= 0) box.setSelectionRange(start, start + one.missing[0].length);
  }

  function leave() {
    const typed = slash ? `/${field.value}` : "";
    close();
    if (typed) put(typed);
    else box.focus();
  }

  button.addEventListener("click", (event) => {
    event.preventDefault();
    if (finder.hidden) open(false);
    else leave();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const start = box.selectionStart;
    if (start && box.value[start - 1] !== "\n") return;
    event.preventDefault();
    open(true);
  });
  box.addEventListener("pointerdown", () => {
    if (!finder.hidden) close();
  });
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) mark((at + step + found.length) % found.length);
    else if (event.key === "Enter" && found[at]) insert(found[at]);
    else if (event.key === "Escape" || (event.key === "Backspace" && !field.value)) leave();
    else if (!step && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
  });
  over.add(close);
}
