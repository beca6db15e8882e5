// Members of the team in a note: offered after an "@", chosen with the arrow keys or by a click. What
// is typed in full counts as well. Loaded before app.js.
"use strict";

const MOST_OFFERED = 6;

function offerMentions() {
  const list = document.getElementById("mention-list");
  const box = document.getElementById("note-text");
  if (!list || !box) return;
  const names = JSON.parse(list.dataset.names);
  const told = document.getElementById("mention-told");
  let [found, at] = [[], -1];
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-autocomplete", "list");

  // What is typed after an "@" that stands where a word may begin, up to the cursor.
  function typed() {
    if (box.selectionStart !== box.selectionEnd) return null;
    const before = box.value.slice(0, box.selectionStart);
    const start = before.lastIndexOf("@");
    if (start < 0 || /[\p{L}\p{N}_@.+-]$/u.test(before.slice(0, start))) return null;
    const words = before.slice(start + 1);
    return words.includes("\n") || words.length > 60 ? null : { start, words };
  }

  function mark(index) {
    at = index;
    [...list.children].forEach((one, number) => one.setAttribute("aria-selected", String(number === at)));
    if (at < 0) return box.removeAttribute("aria-activedescendant");
    box.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  function close() {
    found = [];
    list.hidden = true;
    list.replaceChildren();
    told.textContent = "";
    mark(-1);
  }

  function show() {
    const asked = typed();
    if (!asked) return close();
    const wanted = asked.words.toLocaleLowerCase();
    found = names.filter((name) => name.toLocaleLowerCase().split(" ").some((part, number, parts) => parts.slice(number).join(" ").startsWith(wanted))).slice(0, MOST_OFFERED);
    // What is written in full is chosen.
    if (!found.length || found.some((name) => name.toLocaleLowerCase() === wanted.trimEnd())) return close();
    list.replaceChildren(
      ...found.map((name, number) => {
        const option = document.createElement("li");
        option.id = `mention-${number}`;
        option.dir = "auto";
        option.setAttribute("role", "option");
        option.textContent = name;
        option.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
        option.addEventListener("click", () => choose(name));
        return option;
      }),
    );
    list.hidden = false;
    told.textContent = say("mention_count", { count: found.length });
    mark(0);
  }

  // As if it was typed, so that it can be undone and is kept as a draft.
  function choose(name) {
    const asked = typed();
    close();
    box.focus();
    if (!asked) return;
    const end = box.selectionStart;
    box.setSelectionRange(asked.start + 1, end);
    if (!document.execCommand("insertText", false, `${name} `)) {
      box.setRangeText(`${name} `, asked.start + 1, end, "end");
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
    close();
  }

  box.addEventListener("input", show);
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing || !found.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) mark((at + step + found.length) % found.length);
    else if (event.key === "Enter" || event.key === "Tab") choose(found[at]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  over.add(close);
}
