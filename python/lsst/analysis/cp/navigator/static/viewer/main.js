// SPDX-License-Identifier: GPL-3.0-or-later
// The viewer of a pyramid: what is shown, and how that changes.

import { Palette, decodeTable } from "./colours.js";
import { Exposure } from "./exposure.js";
import { View, boundsOf } from "./geometry.js";
import { listenToKeys, listenToPointers } from "./input.js";
import { Limits } from "./limits.js";
import { readLink, writeLink } from "./link.js";
import { Painter } from "./painter.js";
import { Panel, byId } from "./panel.js";
import { TileStore } from "./tiles.js";
import { writeMeaning, writePlace, writeValue } from "./words.js";

const FLIGHT = 250;
const BLINK_TIME = 700;
const LINK_DELAY = 250;
const MOST_ZOOM_OF_STRUCTURE = 12;
const isStill = window.matchMedia("(prefers-reduced-motion: reduce)");

class Viewer {
  constructor(canvas) {
    this.canvas = canvas;
    this.store = new TileStore(() => this.redraw());
    this.painter = new Painter(canvas, this.store);
    this.panel = new Panel(this);
    this.limits = new Limits();
    this.pointer = null;
    this.partner = null;
    this.failure = null;
    this.loads = 0;
  }

  async start() {
    const response = await fetch("/pyramid/colours");
    this.tables = Object.fromEntries(Object.entries(await response.json()).map(([name, text]) => [name, decodeTable(text)]));
    await this.follow(location.href);
    this.listen();
  }

  /** Show what an address says. */
  async follow(address) {
    const link = readLink(address);
    const load = ++this.loads;
    const base = this.base?.id === link.id ? this.base : await Exposure.load(link.id, link.collection);
    if (load !== this.loads) return;
    this.useBase(base);
    const planes = [...base.planes.keys()].filter((name) => name !== "mask");
    const choose = (name, names) => (names.includes(name) ? name : names[0]);
    this.state = {
      collection: link.collection,
      plane: choose(link.plane, planes),
      stretch: choose(link.stretch, ["linear", "sqrt", "asinh"]),
      colours: choose(link.colours, Object.keys(this.tables)),
      limits: choose(link.limits, ["auto", "zscale", "percentile", "symmetric", "manual"]),
      mask: link.mask,
      second: link.second,
      structure: link.structure,
      frames: link.frames,
    };
    this.view = this.view ?? new View(base.facts.pixelSize, base.bounds);
    this.painter.resize();
    this.fitView();
    this.view.showWhole();
    this.isWhole = link.zoom === null;
    if (link.zoom > 0) this.view.zoom = this.view.clampZoom(link.zoom);
    if (link.x !== null && link.y !== null) this.view.moveTo(link.x, link.y);
    this.limits = new Limits();
    this.limits.mode = this.state.limits;
    const hasLimits = link.low !== null && link.high !== null && link.low < link.high;
    if (hasLimits) this.limits.byHand = [link.low, link.high];
    else if (this.state.limits === "manual") this.limits.mode = this.state.limits = "auto";
    const level = this.levelOf(base);
    if (hasLimits && level && this.limits.mode === "auto") this.limits.set(level, [link.low, link.high]);
    this.panel.showExposure(base, Object.keys(this.tables));
    if (link.mask.length) byId("masks").open = true;
    await this.usePartner(link.blink);
    this.redraw();
    // Links from plots name a detector, and know no places.
    const own = link.zoom === null ? base.byId.get(link.detector) : undefined;
    if (own) this.goTo(own.outline, 0.9, MOST_ZOOM_OF_STRUCTURE);
  }

  useBase(base) {
    this.base = base;
    document.title = base.facts.title;
    if (!base.isComplete) {
      base.isComplete = true;
      base.loadRest().then(() => this.showRest());
    }
    this.showRest();
  }

  async usePartner(id) {
    this.partner = null;
    this.partnerId = id;
    if (id) {
      try {
        const partner = id === this.base.id ? this.base : await Exposure.load(id, this.base.collection);
        if (this.partnerId !== id) return;
        this.partner = partner;
        if (!partner.isComplete) {
          partner.isComplete = true;
          partner.loadRest().then(() => this.showRest());
        }
      } catch (error) {
        this.base.problems.push(`The second exposure: ${error.message}.`);
        this.partnerId = "";
      }
    }
    if (!this.partner && this.state) this.state.second = false;
    this.showRest();
  }

  showRest() {
    this.panel.showOthers(this.base, this.partner);
    this.panel.showFindings(this.shown, this.state?.structure ?? null);
    this.redraw();
  }

  get shown() {
    return this.state?.second && this.partner ? this.partner : this.base;
  }

  levelOf(exposure) {
    return exposure.chooseLevel(this.state.plane, this.view.zoom * this.painter.ratio);
  }

  fitView() {
    [this.view.width, this.view.height] = [this.canvas.clientWidth, this.canvas.clientHeight];
  }

  redraw() {
    // Whoever looks on from outside is told when all is drawn, and in the address.
    this.canvas.dataset.ready = false;
    if (!this.frame && this.state) {
      this.frame = requestAnimationFrame(() => {
        this.frame = null;
        this.draw();
      });
    }
  }

  draw() {
    if (this.painter.resize()) {
      this.fitView();
      if (this.isWhole) this.view.showWhole();
    }
    const { shown, view, state } = this;
    const window = view.window();
    const levels = shown.levels.get(state.plane) ?? [];
    const level = this.levelOf(shown);
    const needed = level ? shown.tilesIn(level, window) : [];
    const isHere = ({ key }) => this.store.peek(key);
    const missing = needed.filter((tile) => !isHere(tile));
    if (level && !missing.length && this.limits.needs(level)) {
      this.limits.find(level, needed.map(isHere).filter((tile) => tile.data));
    }
    const limits = level ? this.limits.of(level, this.base.planes.get(state.plane) ?? { limits: {} }) : [0, 1];
    const palette = this.paletteFor(limits);
    // Coarser tiles, where there are some, show through until the others have come.
    const coarser = levels.filter((each) => each.factor > (level?.factor ?? 0)).reverse();
    const under = missing.length ? coarser.flatMap((each) => shown.tilesIn(each, window).filter(isHere)) : [];
    const bits = this.maskBits(shown);
    const masks = bits.length && level?.factor === 1 ? shown.tilesIn(shown.levels.get("mask")[0], window) : [];
    this.painter.draw({
      view, exposure: shown, levels, tiles: [...under, ...needed], masks, palette, bits,
      frames: state.frames,
      selected: state.structure,
    });
    const overview = levels.length ? shown.tilesIn(levels.at(-1), window) : [];
    this.store.want([...overview, ...needed, ...masks, ...this.tilesOfOther(window)]);
    const isReady = !missing.length && masks.every(isHere);
    byId("busy").hidden = isReady;
    this.isReady = isReady && this.store.isIdle;
    if (level) this.panel.showLevel(level, level.factor === 1);
    this.panel.showState(state, this.base.planes.get(state.plane)?.unit ?? "", limits);
    byId("shown").textContent = this.partner ? `${state.second ? "Second" : "First"}: ${shown.facts.title}` : shown.facts.title;
    this.panel.showProblems([...shown.problems, ...this.store.problems()]);
    this.showStatus();
    this.keepLink(limits);
  }

  /** Tiles of the exposure that is not shown, so that blinking need not wait. */
  tilesOfOther(window) {
    const other = this.partner && (this.state.second ? this.base : this.partner);
    const level = other && this.levelOf(other);
    return level ? other.tilesIn(level, window) : [];
  }

  paletteFor([low, high]) {
    const { colours, stretch } = this.state;
    const made = this.palette;
    if (made?.key !== [colours, stretch, low, high].join()) {
      this.palette = new Palette(colours, this.tables[colours], stretch, low, high);
      this.panel.showBar(this.palette);
    }
    return this.palette;
  }

  maskBits(exposure) {
    const planes = exposure.planes.get("mask")?.maskPlanes ?? {};
    return this.state.mask.filter((name) => name in planes).map((name) => planes[name]);
  }

  /** Keep the address up to date, but not at every step of a move. */
  keepLink(limits) {
    clearTimeout(this.linkTimer);
    const { state, view } = this;
    this.link = writeLink({
      ...state, id: this.base.id, blink: this.partnerId, x: view.x, y: view.y, zoom: view.zoom,
      low: limits[0], high: limits[1],
    });
    this.linkTimer = setTimeout(() => {
      history.replaceState(null, "", this.link);
      this.canvas.dataset.ready = this.isReady;
    }, LINK_DELAY);
  }

  showStatus() {
    byId("status").textContent = this.pointer ? this.describe(...this.pointer) : "";
  }

  /** Say what is under a place of the screen. */
  describe(screenX, screenY) {
    const [x, y] = this.view.toFocalPlane(screenX, screenY);
    const { shown } = this;
    const parts = writePlace(shown.describe(x, y));
    const level = this.levelOf(shown);
    const pixel = level && shown.pixelOf(level, x, y);
    const tile = pixel && this.store.peek(pixel.key);
    if (pixel) {
      const value = tile?.data?.[pixel.row * tile.shape[1] + pixel.column];
      const unit = shown.planes.get(level.plane).unit;
      const written = !tile ? "loading" : tile.problem ? "damaged" : Number.isFinite(value) ? `${writeValue(value)} ${unit}`.trim() : "no value";
      parts.push(writeMeaning(level.plane, level.factor) + written + this.nameMask(shown, level, x, y));
    }
    parts.push(`(${x.toFixed(3)}, ${y.toFixed(3)}) mm`);
    const failed = this.painter.failedAt(screenX, screenY);
    if (failed) parts.push(`failed: ${failed.failed.tests.join(", ")}`);
    const structure = this.painter.structureAt(screenX, screenY);
    if (structure) parts.push(`structure ${structure.rank}: ${structure.kind}`);
    return parts.join(" · ");
  }

  /** Name the planes of the mask at a pixel, if its mask is here. */
  nameMask(exposure, level, x, y) {
    const mask = exposure.levels.get("mask")?.[0];
    const pixel = level.factor === 1 && mask && exposure.pixelOf(mask, x, y);
    const tile = pixel && this.store.peek(pixel.key);
    if (!tile?.data) return "";
    const value = tile.data[pixel.row * tile.shape[1] + pixel.column];
    const names = Object.entries(exposure.planes.get("mask").maskPlanes).filter(([, bit]) => (value >>> bit) & 1);
    return ` [${names.map(([name]) => name).join(" ") || "no mask"}]`;
  }

  // What users do.

  set(change) {
    Object.assign(this.state, change);
    this.redraw();
  }

  setLimits(mode) {
    const current = this.palette ? [this.palette.low, this.palette.high] : [0, 1];
    this.state.limits = this.limits.mode = mode;
    if (mode === "manual") this.limits.byHand ??= current;
    this.redraw();
  }

  setLimitsByHand(low, high) {
    this.limits.setByHand(low, high);
    this.set({ limits: "manual" });
  }

  findLimitsAgain() {
    this.limits.forget();
    this.setLimits("auto");
  }

  setFrame(id, isShown) {
    const frames = this.state.frames.filter((each) => each !== id);
    this.set({ frames: isShown ? [...frames, id] : frames });
  }

  setMask(name, isShown) {
    const mask = this.state.mask.filter((each) => each !== name);
    this.set({ mask: isShown ? [...mask, name] : mask });
  }

  async setPartner(id) {
    this.setBlinking(false);
    await this.usePartner(id);
  }

  blink() {
    if (!this.partner) return;
    this.state.second = !this.state.second;
    this.state.structure = null;
    this.showRest();
  }

  setBlinking(isOn) {
    clearInterval(this.blinkTimer);
    byId("blinking").checked = isOn;
    if (isOn) this.blinkTimer = setInterval(() => this.blink(), BLINK_TIME);
  }

  openBeside(which) {
    const other = this.base.others?.[which];
    if (other) this.open(other.id);
  }

  /** Show another exposure in the same view. */
  async open(id) {
    const load = ++this.loads;
    this.redraw();
    try {
      const base = await Exposure.load(id, this.base.collection);
      if (load !== this.loads) return;
      clearTimeout(this.linkTimer);
      history.replaceState(null, "", this.link);
      history.pushState(null, "", this.link.replace(this.base.id, id));
      Object.assign(this.state, { second: false, structure: null });
      this.panel.showExposure(base, Object.keys(this.tables));
      this.useBase(base);
    } catch (error) {
      this.base.problems.push(`The other exposure: ${error.message}.`);
      this.redraw();
    }
  }

  moved() {
    this.isWhole = false;
    cancelAnimationFrame(this.flight);
    this.redraw();
  }

  zoomBy(factor) {
    const { x, y, zoom } = this.target ?? this.view;
    this.flyTo({ x, y, zoom: this.view.clampZoom(zoom * factor) });
  }

  move(x, y) {
    const { width, height, scale } = this.view;
    const from = this.target ?? this.view;
    this.flyTo({ x: from.x + (x * width) / 8 / scale, y: from.y + (y * height) / 8 / scale, zoom: from.zoom });
  }

  showWhole() {
    const { view } = this;
    const [left, bottom, right, top] = view.bounds;
    this.flyTo({ x: 0.5 * (left + right), y: 0.5 * (bottom + top), zoom: view.wholeZoom }, () => { this.isWhole = true; });
  }

  showPixels() {
    this.flyTo({ x: this.view.x, y: this.view.y, zoom: 1 / this.painter.ratio });
  }

  /** Go to a view step by step, or at once for those who do not want motion. */
  flyTo(target, then = () => {}) {
    cancelAnimationFrame(this.flight);
    this.isWhole = false;
    this.target = target;
    const { view } = this;
    const [from, start] = [{ x: view.x, y: view.y, zoom: view.zoom }, performance.now()];
    const step = (now) => {
      const part = isStill.matches ? 1 : Math.min(Math.max((now - start) / FLIGHT, 0), 1);
      view.zoom = from.zoom * (target.zoom / from.zoom) ** part;
      // What is in the middle moves evenly on the screen.
      const share = part === 1 ? 1 : Math.abs(target.zoom / from.zoom - 1) < 1e-6 ? part
        : (1 - from.zoom / view.zoom) / (1 - from.zoom / target.zoom);
      view.moveTo(from.x + share * (target.x - from.x), from.y + share * (target.y - from.y));
      if (part < 1) {
        this.flight = requestAnimationFrame(step);
      } else {
        this.target = null;
        then();
      }
      this.redraw();
    };
    step(start);
  }

  goTo(corners, share, most) {
    const bounds = boundsOf(corners);
    const zoom = Math.min(this.view.zoomFor(bounds, share), most);
    this.flyTo({ x: 0.5 * (bounds[0] + bounds[2]), y: 0.5 * (bounds[1] + bounds[3]), zoom });
  }

  goToStructure(structure) {
    this.state.structure = structure.rank;
    this.panel.select(structure.rank);
    this.goTo(structure.corners, 0.5, MOST_ZOOM_OF_STRUCTURE);
  }

  goToFailed(failed) {
    const frame = this.shown.failedFrames().find((each) => each.failed === failed);
    if (frame) this.goTo(frame.corners, 0.7, MOST_ZOOM_OF_STRUCTURE);
  }

  stepStructure(step) {
    const list = this.shown.findings?.structures ?? [];
    if (!list.length) return;
    const now = list.findIndex((each) => each.rank === this.state.structure);
    const next = now < 0 ? (step > 0 ? 0 : list.length - 1) : (now + step + list.length) % list.length;
    this.goToStructure(list[next]);
  }

  listen() {
    listenToPointers(this.canvas, this.view, {
      moved: () => this.moved(),
      pointed: (x, y) => {
        this.pointer = [x, y];
        this.canvas.classList.toggle("pointed", this.painter.structureAt(x, y) !== null);
        this.showStatus();
      },
      clicked: (x, y) => {
        const structure = this.painter.structureAt(x, y);
        if (structure) this.goToStructure(structure);
      },
      left: () => {
        this.pointer = null;
        this.showStatus();
      },
    });
    listenToKeys({
      "+": () => this.zoomBy(2), "=": () => this.zoomBy(2), "-": () => this.zoomBy(0.5), "_": () => this.zoomBy(0.5),
      ArrowLeft: () => this.move(-1, 0), ArrowRight: () => this.move(1, 0),
      ArrowUp: () => this.move(0, 1), ArrowDown: () => this.move(0, -1),
      0: () => this.showWhole(), 1: () => this.showPixels(),
      n: () => this.stepStructure(1), p: () => this.stepStructure(-1),
      "[": () => this.openBeside("previous"), "]": () => this.openBeside("following"),
      b: () => this.blink(), a: () => this.findLimitsAgain(), "?": () => byId("keys").showModal(),
    });
    new ResizeObserver(() => this.redraw()).observe(this.canvas);
    window.addEventListener("popstate", () => this.follow(location.href).catch(fail));
  }
}

function fail(error) {
  byId("status").textContent = `This image cannot be shown: ${error.message}.`;
  byId("busy").hidden = true;
  byId("problems").hidden = false;
  byId("problems").replaceChildren(Object.assign(document.createElement("li"), { textContent: error.message }));
}

new Viewer(byId("canvas")).start().catch(fail);
