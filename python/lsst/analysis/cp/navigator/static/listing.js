// SPDX-License-Identifier: GPL-3.0-or-later
// Lists: what can be selected is offered, and keys go where links do.
const form = document.querySelector("form.select");

// An address has only what is chosen.
form?.addEventListener("submit", () => {
  for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
});
// A page that is come back to from another one has its form as it was.
addEventListener("pageshow", () => {
  for (const field of form?.elements ?? []) field.disabled = false;
});

const offer = async () => {
  const response = await fetch(form.dataset.choices, { headers: { Accept: "application/json" } });
  if (!response.ok) return;
  for (const [key, { options, note }] of Object.entries(await response.json())) {
    const field = form.elements.namedItem(key);
    const list = document.getElementById(`choices-${key}`);
    if (!field || !list) continue;
    list.replaceChildren(...options.map(([value, label]) => {
      const option = document.createElement("option");
      option.value = value;
      option.label = label ? `${value} (${label})` : value;
      return option;
    }));
    field.closest("label").querySelector(".note").textContent = note;
  }
};
// Where nothing can be offered one types.
if (form?.dataset.choices) offer().catch(() => {});

const tiles = [...document.querySelectorAll(".plots figure > a")];

// The nearest tile in a direction, of those that lie there.
const step = (from, dx, dy) => {
  const { x, y } = from.getBoundingClientRect();
  let best = null;
  let least = Infinity;
  for (const tile of tiles) {
    const place = tile.getBoundingClientRect();
    const along = (place.x - x) * dx + (place.y - y) * dy;
    const across = Math.abs((place.x - x) * dy + (place.y - y) * dx);
    if (along > 1 && along + 4 * across < least) [best, least] = [tile, along + 4 * across];
  }
  // At the end of a row the next one begins.
  return best ?? (dx ? tiles[tiles.indexOf(from) + dx] : undefined);
};

const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const RELATIONS = { n: "next", p: "prev", u: "up" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const direction = DIRECTIONS[event.key];
  if (direction && tiles.length) {
    const from = document.activeElement;
    const to = tiles.includes(from) ? step(from, ...direction) : tiles[0];
    to?.focus();
    event.preventDefault();
  } else if (event.key === "/" && form) {
    // The instrument comes first, and seldom has to be chosen.
    (form.querySelector("input:not([type=hidden])") ?? form.querySelector("select")).focus();
    event.preventDefault();
  } else if (RELATIONS[event.key]) {
    document.querySelector(`a[rel~=${RELATIONS[event.key]}]`)?.click();
  }
});
