// SPDX-License-Identifier: GPL-3.0-or-later
// Drawing: tiles where they lie on the focal plane, never resampled but by the screen, and frames over them.

import { noValuePattern, paintMask } from "./colours.js";
import { boundsOf, overlap } from "./geometry.js";

const LEAST_FRAME = 11;
const LEAST_FOR_AMPLIFIERS = 260;

export class Painter {
  constructor(canvas, store) {
    this.canvas = canvas;
    this.store = store;
    this.context = canvas.getContext("2d", { alpha: false });
    this.noValue = noValuePattern(this.context);
    this.structureBoxes = [];
    this.failedBoxes = [];
  }

  /** Fit the canvas to its place on the page; return whether it changed. */
  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    this.ratio = window.devicePixelRatio || 1;
    const size = [clientWidth, clientHeight].map((length) => Math.max(Math.round(length * this.ratio), 1));
    if (this.canvas.width === size[0] && this.canvas.height === size[1]) return false;
    [this.canvas.width, this.canvas.height] = size;
    return true;
  }

  /** Draw all. */
  draw({ view, exposure, levels, tiles, masks, palette, bits, frames, selected }) {
    this.view = view;
    const { context, ratio } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = "#16191d";
    context.fillRect(0, 0, view.width, view.height);
    this.window = view.window();
    const seen = exposure.detectors.filter((own) => overlap(own.bounds, this.window));
    this.drawEmpty(seen, exposure, levels[0]?.plane);
    context.imageSmoothingEnabled = false;
    for (const tile of tiles) this.drawTile(tile, palette);
    for (const tile of masks) this.drawMask(tile, bits);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.structureBoxes = [];
    this.failedBoxes = [];
    if (frames.includes("amplifiers")) this.drawAmplifiers(seen);
    if (frames.includes("failed")) this.drawFailed(exposure);
    if (frames.includes("structures")) this.drawStructures(exposure, selected);
    this.drawNames(seen);
    for (const tile of tiles) this.drawProblem(tile);
    this.drawScale();
  }

  /** Let the pixels of an image be units of the canvas, row 0 first. */
  usePixels({ origin, matrix: [[a, b], [c, d]] }, column, row) {
    const { view, ratio } = this;
    const scale = ratio * view.scale;
    const first = column - 0.5;
    const second = row - 0.5;
    const [x, y] = view.toScreen([origin[0] + a * first + b * second, origin[1] + c * first + d * second]);
    this.context.setTransform(scale * a, -scale * c, scale * b, -scale * d, ratio * x, ratio * y);
  }

  drawTile({ key, image, row, column, level, size }, palette) {
    const tile = this.store.get(key);
    if (!tile?.data || level.plane === "mask") return;
    this.usePixels(image.placement, column * size, row * size);
    this.context.drawImage(palette.paint(tile, level.isMosaic), 0, 0);
  }

  drawMask({ key, image, row, column, size }, bits) {
    const tile = this.store.get(key);
    if (!tile?.data) return;
    this.usePixels(image.placement, column * size, row * size);
    this.context.drawImage(paintMask(tile, bits), 0, 0);
  }

  drawProblem({ key, image, row, column, size, shape }) {
    const problem = this.store.peek(key)?.problem;
    if (!problem) return;
    const { context, view } = this;
    const left = column * size - 0.5;
    const bottom = row * size - 0.5;
    const corners = image.placement.corners([left, bottom, left + shape[1], bottom + shape[0]]);
    this.trace(corners);
    context.setLineDash([6, 4]);
    this.strokeTwice("#ffb000", 1.5);
    context.setLineDash([]);
    const [x0, y0, x1, y1] = boundsOf(corners.map((corner) => view.toScreen(corner)));
    context.save();
    context.beginPath();
    context.rect(x0, y0, x1 - x0, y1 - y0);
    context.clip();
    const words = `damaged tile: ${problem.replace(/^.*: '/, "'")}`;
    this.drawText(words, Math.max(x0, 0) + 6, Math.max(y0, 0) + 16, "left");
    context.restore();
  }

  /** Detectors are chequered where nothing is drawn over them; those without an image are crossed out. */
  drawEmpty(seen, exposure, plane) {
    const { context } = this;
    context.lineWidth = 1;
    for (const own of seen) {
      const isThere = plane !== undefined && own.planes.includes(plane);
      this.trace(own.outline);
      context.fillStyle = isThere ? this.noValue : "#2a2f36";
      context.fill();
      context.strokeStyle = "#59626d";
      context.stroke();
      if (!isThere) {
        const [a, b, c, d] = own.outline.map((corner) => this.view.toScreen(corner));
        context.beginPath();
        context.moveTo(...a);
        context.lineTo(...c);
        context.moveTo(...b);
        context.lineTo(...d);
        context.stroke();
      }
    }
  }

  /** No name is wider than its detector: those side by side would lie on each other. */
  drawNames(seen) {
    for (const own of seen) {
      const box = this.boxOf(own.outline);
      const x = Math.max(box[0], 0) + 5;
      const y = Math.min(box[3], this.view.height) - 6;
      const choices = own.planes.length ? [own.name] : [`${own.name}: no image`, own.name];
      const words = choices.find((each) => x + this.widthOf(each) < box[2] - 3);
      if (words && y > box[1] + 10) this.drawText(words, x, y, "left");
    }
  }

  drawAmplifiers(seen) {
    const { context } = this;
    for (const own of seen) {
      const box = this.boxOf(own.outline);
      if (!own.amplifiers || box[2] - box[0] < LEAST_FOR_AMPLIFIERS) continue;
      for (const { name, corners } of own.amplifiers) {
        context.lineWidth = 1;
        context.strokeStyle = "rgb(120 200 255 / 70%)";
        this.trace(corners);
        context.stroke();
        const [left, top, right, bottom] = this.boxOf(corners);
        if (right - left > 34) this.drawText(name, 0.5 * (left + right), 0.5 * (top + bottom), "center", 0.75);
      }
    }
  }

  /** Failing amplifiers have a double frame and a cross in the corner, with words where there is room. */
  drawFailed(exposure) {
    for (const { corners, failed, name } of exposure.failedFrames()) {
      const box = grow(this.boxOf(corners), LEAST_FRAME);
      if (!this.isSeen(box)) continue;
      this.failedBoxes.push({ box, failed, name });
      const isSmall = box.grown;
      if (isSmall) this.traceBox(box);
      else this.trace(corners);
      this.strokeTwice("#ff5fa2", 2.5);
      const [left, top, right] = box;
      const side = Math.min(10, 0.5 * (right - left));
      this.drawCross(left + side, top + side, 0.6 * side);
      if (right - left > 60) {
        const words = `${failed.amplifier || name}: ${failed.tests.join(", ")}`;
        this.drawText(this.shorten(words, right - left - 26), left + 22, top + 14, "left");
      }
    }
  }

  /** Structures have a thin frame and their rank. */
  drawStructures(exposure, selected) {
    const list = exposure.findings?.structures ?? [];
    // The worst are drawn last, over the others.
    for (const each of [...list].reverse()) {
      const box = grow(this.boxOf(each.corners), LEAST_FRAME);
      if (!this.isSeen(box)) continue;
      this.structureBoxes.push({ box, structure: each });
      if (box.grown) this.traceBox(box);
      else this.trace(each.corners);
      const isSelected = each.rank === selected;
      this.context.setLineDash(isSelected ? [] : [5, 2]);
      this.strokeTwice(isSelected ? "#ffe14d" : "#5dffd0", isSelected ? 2.5 : 2);
      this.context.setLineDash([]);
      const isRoomy = box[2] - box[0] > 2 * LEAST_FRAME || each.rank <= 20 || isSelected;
      if (isRoomy) this.drawText(`${each.rank}`, box[2] + 3, box[1] + 9, "left", 0.85);
    }
  }

  drawScale() {
    const { view, context } = this;
    const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200];
    const length = steps.findLast((mm) => mm * view.scale <= 160) ?? steps[0];
    const nPixels = length / view.pixelSize;
    const width = length * view.scale;
    const [x, y] = [view.width - 14 - width, view.height - 14];
    context.beginPath();
    context.moveTo(x, y - 5);
    context.lineTo(x, y);
    context.lineTo(x + width, y);
    context.lineTo(x + width, y - 5);
    this.strokeTwice("#ffffff", 1.5);
    this.drawText(`${length} mm, ${Number(nPixels.toPrecision(3))} pixels`, x + width, y - 10, "right");
  }

  drawCross(x, y, reach) {
    const { context } = this;
    context.beginPath();
    context.moveTo(x - reach, y - reach);
    context.lineTo(x + reach, y + reach);
    context.moveTo(x + reach, y - reach);
    context.lineTo(x - reach, y + reach);
    this.strokeTwice("#ff5fa2", 2);
  }

  drawText(words, x, y, align, size = 1) {
    const { context } = this;
    context.font = `${Math.round(13 * size)}px system-ui, sans-serif`;
    context.textAlign = align;
    context.lineJoin = "round";
    context.lineWidth = 3;
    context.strokeStyle = "rgb(0 0 0 / 80%)";
    context.strokeText(words, x, y);
    context.fillStyle = "#ffffff";
    context.fillText(words, x, y);
  }

  /** Width of words of the usual size. */
  widthOf(words) {
    this.context.font = "13px system-ui, sans-serif";
    return this.context.measureText(words).width;
  }

  shorten(words, width) {
    let kept = words;
    while (kept.length > 3 && this.widthOf(kept) > width) kept = `${kept.slice(0, -2)}…`;
    return kept;
  }

  /** A line of a colour on a dark one, which is seen on any image. */
  strokeTwice(colour, width) {
    const { context } = this;
    context.lineWidth = width + 2;
    context.strokeStyle = "rgb(0 0 0 / 75%)";
    context.stroke();
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }

  trace(corners) {
    const { context, view } = this;
    context.beginPath();
    for (const corner of corners) context.lineTo(...view.toScreen(corner));
    context.closePath();
  }

  traceBox([left, top, right, bottom]) {
    this.context.beginPath();
    this.context.rect(left, top, right - left, bottom - top);
  }

  boxOf(corners) {
    return boundsOf(corners.map((corner) => this.view.toScreen(corner)));
  }

  isSeen(box) {
    return overlap(box, [0, 0, this.view.width, this.view.height]);
  }

  /** The smallest frame of a structure at a place on the screen; null if there is none. */
  structureAt(x, y) {
    const hit = this.structureBoxes.filter(({ box }) => overlap(box, [x, y, x, y]));
    const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
    return hit.sort((one, other) => area(one) - area(other) || one.structure.rank - other.structure.rank)[0]
      ?.structure ?? null;
  }

  failedAt(x, y) {
    return this.failedBoxes.find(({ box }) => overlap(box, [x, y, x, y])) ?? null;
  }
}

/** Let a box have a least size; `grown` says whether it had less. */
function grow([left, top, right, bottom], least) {
  const isGrown = right - left < least || bottom - top < least;
  const [x, y] = [0.5 * (left + right), 0.5 * (top + bottom)];
  const halves = [Math.max(right - left, least) / 2, Math.max(bottom - top, least) / 2];
  return Object.assign([x - halves[0], y - halves[1], x + halves[0], y + halves[1]], { grown: isGrown });
}
