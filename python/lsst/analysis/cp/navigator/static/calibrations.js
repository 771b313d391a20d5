// SPDX-License-Identifier: GPL-3.0-or-later
// A cursor on the time line: it says the time, and asks what is valid then. The page does without it, too.

const STEPS = 1000;
const drawing = document.querySelector("svg.timeline");
const slider = document.getElementById("slider");
const output = document.getElementById("pointed");
const cursor = document.getElementById("cursor");
const said = output?.textContent;

// The begin and the end are nanoseconds, which are more than numbers have digits for.
function timeAt(fraction) {
  const [begin, end] = [drawing.dataset.begin, drawing.dataset.end].map(BigInt);
  const milliseconds = Number(begin / 1000000n) + fraction * Number((end - begin) / 1000000n);
  // TAI has no leap seconds, nor has the calendar of a Date.
  return new Date(milliseconds).toISOString().slice(0, end - begin < 60000000000n ? 23 : 19);
}

function show(fraction) {
  const time = timeAt(fraction);
  cursor.setAttribute("x1", `${100 * fraction}%`);
  cursor.setAttribute("x2", `${100 * fraction}%`);
  cursor.setAttribute("visibility", "visible");
  slider.value = Math.round(STEPS * fraction);
  slider.setAttribute("aria-valuetext", time);
  output.textContent = `${time} TAI: click on the drawing, or press Enter, for what is valid then.`;
}

function hide() {
  cursor.setAttribute("visibility", "hidden");
  output.textContent = said;
}

function ask(fraction) {
  const address = new URL(location.href);
  address.searchParams.set("at", timeAt(fraction));
  location.assign(address);
}

function fractionOf(event) {
  const box = drawing.getBoundingClientRect();
  return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
}

if (drawing) {
  slider.hidden = false;
  slider.setAttribute("aria-valuetext", timeAt(slider.value / STEPS));
  drawing.addEventListener("pointermove", (event) => show(fractionOf(event)));
  drawing.addEventListener("pointerleave", hide);
  drawing.addEventListener("click", (event) => {
    if (!event.target.closest("a")) ask(fractionOf(event));
  });
  slider.addEventListener("input", () => show(slider.value / STEPS));
  slider.addEventListener("focus", () => show(slider.value / STEPS));
  slider.addEventListener("blur", hide);
  slider.addEventListener("keydown", (event) => {
    if (event.key === "Enter") ask(slider.value / STEPS);
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`)?.click();
});
