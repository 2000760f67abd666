// Making and changing elements. Words from outside become text nodes and attribute values, never markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** An element: `el("p", {class: "muted", onclick: f}, "text", child)`. */
export const el = (tag, props, ...children) => fill(document.createElement(tag), props, children);

/** The same for SVG. */
export const svg = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

/** Changes the text of an element only where it is another one. */
export function text(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

/** Sets or (with null) takes away an attribute, only where that changes something. */
export function attr(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** Makes the children of `parent` those of `items`: what was there under the same key is kept, with its focus. */
export function keyed(parent, items, key, create, update) {
  const old = parent.kept || new Map();
  const kept = new Map();
  let before = null;
  for (const item of items) {
    const id = key(item);
    if (kept.has(id)) continue;
    const node = old.get(id) || create(item);
    kept.set(id, node);
    update(node, item);
    const place = before ? before.nextSibling : parent.firstChild;
    if (place !== node) parent.insertBefore(node, place);
    before = node;
  }
  for (const [id, node] of old) if (!kept.has(id)) node.remove();
  parent.kept = kept;
}

/** A table of names and words: `rows` are [name, words or element]; those without words are left out. */
export function facts(rows) {
  const list = el("dl", { class: "facts" });
  for (const [name, what] of rows) {
    if (what === null || what === undefined || what === "") continue;
    list.append(el("div", null, el("dt", null, name), el("dd", null, what)));
  }
  return list;
}

const badgeClass = (state) => `badge s-${state.replaceAll(" ", "-")}`;

/** A word with its shape and colour. */
export const badge = (state) => el("span", { class: badgeClass(state) }, state);

export function setBadge(node, state, words = state) {
  attr(node, "class", badgeClass(state));
  text(node, words);
}

/** Says something once to who listens instead of looking. */
export function say(words) {
  const place = document.getElementById("said");
  place.textContent = "";
  place.textContent = words;
}

/** Puts words into the clipboard; also on a page without TLS, where the browser offers no clipboard. */
export async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    const open = document.querySelector("dialog[open]") || document.body;
    const area = el("textarea", { class: "hidden", "aria-hidden": "true", tabindex: -1 });
    const back = document.activeElement;
    area.value = words;
    open.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (back) back.focus();
    return done;
  }
}

/** A button that copies what `words()` gives, and says so. */
export function copyButton(label, words, name = label) {
  const button = el("button", { class: "button", type: "button", "aria-label": name }, label);
  button.addEventListener("click", async () => {
    let done = false;
    try {
      done = await copy(await words());
    } catch { /* said below */ }
    button.textContent = done ? "Copied" : "Not copied";
    say(done ? "Copied" : "The browser did not let it be copied");
    setTimeout(() => { button.textContent = label; }, 2000);
  });
  return button;
}
