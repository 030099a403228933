// Making elements. Texts of the server are hostile: they only ever become text nodes
// and properties, never markup.

// el makes an HTML element with these properties and children (elements or texts).
export function el(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.includes("-") || name === "role") e.setAttribute(name, value);
    else e[name] = value;
  }
  e.append(...children);
  return e;
}

// svg makes an SVG element with these attributes.
export function svg(tag, attrs = {}, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attrs)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

// setText changes a text only if it differs, so that a selection survives.
export function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

// card is a titled box.
export function card(title, ...children) {
  return el("section", { className: "card" }, el("h2", {}, title), ...children);
}

// choice is a group of buttons of which one is pressed. options are [value, label].
export function choice(label, options, value, chosen) {
  const group = el("div", { className: "choice", role: "group", "aria-label": label });
  for (const [v, text] of options) {
    const b = el("button", { type: "button", "aria-pressed": String(v === value) }, text);
    b.addEventListener("click", () => {
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === b));
      chosen(v);
    });
    group.append(b);
  }
  return group;
}

// filterBox is a search field that calls changed with its text.
export function filterBox(label, changed) {
  const input = el("input", { type: "search", placeholder: label, "aria-label": label, spellcheck: false });
  input.addEventListener("input", () => changed(input.value.trim().toLowerCase()));
  return input;
}
