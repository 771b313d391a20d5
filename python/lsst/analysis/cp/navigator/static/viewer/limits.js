// SPDX-License-Identifier: GPL-3.0-or-later
// The range of values that the colours span.

import { middleRange } from "./colours.js";

/** Limits of one plane: by hand, by a method for the whole exposure, or of the tiles in view, once a scale. */
export class Limits {
  constructor() {
    this.mode = "auto";
    this.byHand = null;
    this.found = new Map();
  }

  keyOf(level) {
    return `${level.plane}/${level.factor}`;
  }

  setByHand(low, high) {
    this.mode = "manual";
    this.byHand = [low, high];
  }

  /** Take limits for a scale as found, as a link has them. */
  set(level, limits) {
    this.found.set(this.keyOf(level), limits);
  }

  /** Find the limits of the scale in view again. */
  forget() {
    this.found.clear();
  }

  needs(level) {
    return this.mode === "auto" && !this.found.has(this.keyOf(level));
  }

  find(level, tiles) {
    const range = middleRange(tiles);
    if (range) this.found.set(this.keyOf(level), range);
  }

  /** The limits for a level; those of the exposure until others are known. */
  of(level, facts) {
    if (this.mode === "manual") return this.byHand;
    const ofExposure = facts.limits[this.mode] ?? facts.limits.zscale;
    const found = this.mode === "auto" ? this.found.get(this.keyOf(level)) : null;
    return found ?? ofExposure ?? [0, 1];
  }
}
