// SPDX-License-Identifier: GPL-3.0-or-later
// What the address of the page says, so that a link brings a colleague to the same view.

function number(text) {
  const value = text === null || text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

export function readLink(address) {
  const { pathname, searchParams: given } = new URL(address);
  const text = (name) => given.get(name) ?? "";
  return {
    id: pathname.split("/").pop(),
    collection: text("collection"),
    plane: text("plane"),
    detector: number(given.get("detector")),
    x: number(given.get("x")),
    y: number(given.get("y")),
    zoom: number(given.get("zoom")),
    stretch: text("stretch"),
    colours: text("colours"),
    limits: text("limits"),
    low: number(given.get("low")),
    high: number(given.get("high")),
    mask: text("mask").split(",").filter(Boolean),
    blink: text("blink"),
    second: text("shown") === "second",
    structure: number(given.get("structure")),
    frames: given.has("frames") ? text("frames").split(",").filter(Boolean) : ["failed", "structures"],
  };
}

export function writeLink(state) {
  const query = new URLSearchParams();
  const put = (name, value) => {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  };
  put("collection", state.collection);
  put("plane", state.plane);
  // A hundredth of a pixel, and what shows it.
  put("x", state.x.toFixed(5));
  put("y", state.y.toFixed(5));
  put("zoom", Number(state.zoom.toPrecision(7)));
  put("stretch", state.stretch);
  put("colours", state.colours);
  put("limits", state.limits);
  put("low", state.low);
  put("high", state.high);
  put("mask", state.mask.join(","));
  put("blink", state.blink);
  put("shown", state.second ? "second" : "");
  put("structure", state.structure);
  // Without it there would be those that are shown at first.
  query.set("frames", state.frames.join(","));
  return `/view/${state.id}?${query}`;
}
