// SPDX-License-Identifier: GPL-3.0-or-later
// The controls beside the picture.

import { maskColour } from "./colours.js";
import { writeValue } from "./words.js";

export const byId = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function button(text, clicked, properties = {}) {
  const made = make("button", { type: "button", ...properties }, text);
  made.addEventListener("click", clicked);
  return made;
}

export class Panel {
  constructor(viewer) {
    this.viewer = viewer;
    for (const [id, action] of Object.entries({
      "zoom-in": () => viewer.zoomBy(2),
      "zoom-out": () => viewer.zoomBy(0.5),
      whole: () => viewer.showWhole(),
      pixels: () => viewer.showPixels(),
      help: () => byId("keys").showModal(),
      again: () => viewer.findLimitsAgain(),
      previous: () => viewer.openBeside("previous"),
      following: () => viewer.openBeside("following"),
      blink: () => viewer.blink(),
      "no-partner": () => viewer.setPartner(""),
      more: () => this.list(this.lastKey),
    })) {
      byId(id).addEventListener("click", action);
    }
    for (const id of ["plane", "stretch", "colours"]) {
      byId(id).addEventListener("change", ({ target }) => viewer.set({ [id]: target.value }));
    }
    byId("limits").addEventListener("change", ({ target }) => viewer.setLimits(target.value));
    for (const id of ["low", "high"]) {
      byId(id).addEventListener("change", () => this.readLimits());
    }
    for (const id of ["failed", "structures", "amplifiers"]) {
      byId(`show-${id}`).addEventListener("change", ({ target }) => viewer.setFrame(id, target.checked));
    }
    byId("blinking").addEventListener("change", ({ target }) => viewer.setBlinking(target.checked));
    byId("search").addEventListener("submit", (event) => {
      event.preventDefault();
      byId("exposures").replaceChildren();
      this.list(byId("after").value);
    });
  }

  readLimits() {
    const fields = [byId("low"), byId("high")];
    const values = fields.map((field) => (field.value.trim() === "" ? NaN : Number(field.value)));
    const isGood = values.every(Number.isFinite) && values[0] < values[1];
    for (const field of fields) {
      field.setCustomValidity(isGood ? "" : "Expected two numbers, the lower one first.");
    }
    if (isGood) this.viewer.setLimitsByHand(...values);
  }

  /** Show what there is to choose from in an exposure. */
  showExposure(exposure, colourNames) {
    const fill = (id, names) => byId(id).replaceChildren(...names.map((name) => make("option", {}, name)));
    fill("plane", [...exposure.planes.keys()].filter((name) => name !== "mask"));
    fill("colours", colourNames);
    const planes = Object.entries(exposure.planes.get("mask")?.maskPlanes ?? {});
    byId("mask-planes").replaceChildren(...planes.map(([name, bit]) => {
      const box = make("input", { type: "checkbox", value: name });
      box.addEventListener("change", () => this.viewer.setMask(name, box.checked));
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = `rgb(${maskColour(bit).join(" ")})`;
      return make("li", {}, make("label", {}, box, " ", swatch, ` ${name}`));
    }));
    byId("mask-note").textContent = planes.length ? "" : "This pyramid has no mask.";
  }

  /** Show the state of the controls. */
  showState(state, unit, limits) {
    for (const id of ["plane", "stretch", "colours", "limits"]) byId(id).value = state[id];
    for (const id of ["failed", "structures", "amplifiers"]) {
      byId(`show-${id}`).checked = state.frames.includes(id);
    }
    for (const [id, value] of [["low", limits[0]], ["high", limits[1]]]) {
      const field = byId(id);
      // What is being typed stays.
      if (document.activeElement !== field) {
        field.value = writeValue(value);
        field.setCustomValidity("");
      }
    }
    byId("unit").textContent = unit;
    for (const box of byId("mask-planes").querySelectorAll("input")) box.checked = state.mask.includes(box.value);
    byId("blink").setAttribute("aria-pressed", state.second);
  }

  showLevel(level, hasMask) {
    const what = level.factor === 1 ? "stored pixels" : `${level.factor} × ${level.factor} pixels each`;
    byId("level").textContent = what;
    if (byId("mask-planes").children.length) {
      byId("mask-note").textContent = hasMask ? "" : "Masks are shown at full resolution: zoom in.";
    }
  }

  showBar(palette) {
    const context = byId("bar").getContext("2d");
    const picture = context.createImageData(256, 1);
    const pixels = new Uint32Array(picture.data.buffer);
    for (let i = 0; i < 256; i++) {
      pixels[i] = palette.colours[Math.round((i / 255) * (palette.colours.length - 1))];
    }
    context.putImageData(picture, 0, 0);
  }

  showProblems(problems) {
    byId("problems").hidden = !problems.length;
    byId("problems").replaceChildren(...problems.map((problem) => make("li", {}, problem)));
  }

  /** Show what is known beside the pixels. */
  showOthers(base, partner) {
    const { others } = base;
    for (const id of ["previous", "following"]) {
      byId(id).disabled = !others?.[id];
      byId(id).title = others?.[id]?.label ?? "There is none.";
    }
    byId("partner").textContent = partner
      ? `Second: ${partner.title ?? partner.facts.title}`
      : "To blink, list exposures below, and choose a second one or the combined calibration.";
    for (const id of ["blink", "blinking", "no-partner"]) byId(id).disabled = !partner;
    const combined = others?.combined ?? [];
    const none = make("li", { className: "dim" }, "No pyramid of a combined calibration here.");
    byId("combined").replaceChildren(...combined.map((other) => this.entry(other)));
    if (!combined.length && others) byId("combined").append(none);
  }

  entry(other) {
    const name = other.key ? other.label : `${other.datasetType} ${other.label === other.datasetType ? "" : other.label}`;
    return make(
      "li", {},
      make("span", { title: other.run }, name.trim()),
      button("Open", () => this.viewer.open(other.id)),
      button("Second", () => this.viewer.setPartner(other.id), { title: "Blink against this one" }),
    );
  }

  async list(after) {
    const list = byId("exposures");
    byId("more").hidden = true;
    try {
      const found = await this.viewer.base.listOthers(byId("day").value, after);
      list.append(...found.map((other) => this.entry(other)));
      if (!list.children.length) list.append(make("li", { className: "dim" }, "There are none."));
      this.lastKey = found.at(-1)?.key;
      byId("more").hidden = found.length < 100 || !this.lastKey;
    } catch (error) {
      list.append(make("li", { className: "problem" }, error.message));
    }
  }

  showFindings(exposure, selected) {
    const { findings } = exposure;
    const failed = (findings?.failed ?? []).map((each) => {
      const name = exposure.byId.get(each.detector)?.name ?? each.detector;
      const text = `✗ ${name} ${each.amplifier} ${each.tests.join(", ")}`;
      return make("li", {}, button(text, () => this.viewer.goToFailed(each), { title: each.reasons.join("\n") }));
    });
    // Nothing is good because no table says anything.
    if (findings && !failed.length) {
      failed.push(make("li", { className: "dim" }, findings.failed ? "None." : "Not known."));
    }
    byId("failed").replaceChildren(...failed);
    const structures = findings?.structures ?? [];
    byId("structures").replaceChildren(...structures.map((each) => {
      const score = each.score === null ? "" : `, ${Number(each.score.toPrecision(3))} σ`;
      const text = `${each.rank} ${each.kind} ${each.detectorName} ${each.amplifier}${score}`;
      const made = button(text, () => this.viewer.goToStructure(each));
      made.dataset.rank = each.rank;
      return make("li", {}, made);
    }));
    const n = findings?.nStructures ?? 0;
    byId("structures-note").textContent = !findings ? "" : !findings.structures ? "Not known." : n === 0 ? "None." :
      n > structures.length ? `The first ${structures.length} of ${n}.` : `${n}; n and p go from one to the next.`;
    this.select(selected);
  }

  select(rank) {
    for (const made of byId("structures").querySelectorAll("button")) {
      const isSelected = Number(made.dataset.rank) === rank;
      made.setAttribute("aria-current", isSelected);
      if (isSelected) made.scrollIntoView({ block: "nearest" });
    }
  }
}
