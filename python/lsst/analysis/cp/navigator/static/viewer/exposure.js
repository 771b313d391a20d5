// SPDX-License-Identifier: GPL-3.0-or-later
// One exposure: what its pyramid has, which tiles a view needs, and what is where.

import { Placement, boundsOf, overlap } from "./geometry.js";

async function fetchJson(address) {
  let response;
  try {
    response = await fetch(address);
  } catch {
    throw new Error("the server does not answer");
  }
  const content = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Error(content.detail ?? `the server says ${response.status}`);
  }
  return content;
}

/** Images of one factor: of all detectors, or a mosaic of them. */
class Level {
  constructor(plane, factor, images, isMosaic) {
    Object.assign(this, { plane, factor, images, isMosaic });
  }
}

export class Exposure {
  constructor(facts, collection) {
    this.facts = facts;
    this.id = facts.id;
    this.query = collection ? `?${new URLSearchParams({ collection })}` : "";
    this.collection = collection;
    this.detectors = facts.detectors.map((own) => ({
      ...own,
      placement: new Placement(own.origin, own.matrix, own.shape),
      amplifiers: null,
    }));
    for (const own of this.detectors) {
      own.outline = own.placement.outline();
      own.bounds = boundsOf(own.outline);
    }
    this.byId = new Map(this.detectors.map((own) => [own.id, own]));
    this.bounds = boundsOf(this.detectors.flatMap((own) => own.outline));
    this.planes = new Map(facts.planes.map((plane) => [plane.name, plane]));
    this.levels = new Map(facts.planes.map((plane) => [plane.name, this.makeLevels(plane)]));
    this.findings = null;
    this.others = null;
    this.problems = [];
  }

  static async load(id, collection) {
    return new Exposure(await fetchJson(`/pyramid/${id}`), collection);
  }

  /** Load what is not needed to show the pixels; what fails is kept as a problem. */
  async loadRest() {
    const load = async (what, store) => {
      try {
        store(await fetchJson(`/pyramid/${this.id}/${what}${this.query}`));
      } catch (error) {
        this.problems.push(error.message);
      }
    };
    await Promise.all([
      load("amplifiers", (all) => this.addAmplifiers(all)),
      load("findings", (found) => this.addFindings(found)),
      load("others", (others) => { this.others = others; }),
    ]);
  }

  listOthers(day, after) {
    const query = new URLSearchParams(this.query);
    if (day) query.set("day_obs", day);
    if (after) query.set("after", after);
    return fetchJson(`/pyramid/${this.id}/list?${query}`);
  }

  addAmplifiers(all) {
    for (const { detector, names, edges } of all) {
      const own = this.byId.get(detector);
      if (own) {
        // From coordinates on the detector to those of its image.
        const [x, y] = own.first;
        own.amplifiers = names.map((name, i) => {
          const [left, bottom, right, top] = edges[i];
          const corners = own.placement.corners([left - x, bottom - y, right - x, top - y]);
          return { name, edges: edges[i], corners };
        });
      }
    }
  }

  addFindings(found) {
    this.findings = found;
    this.problems.push(...found.problems);
    for (const each of found.structures ?? []) {
      const own = this.byId.get(each.detector);
      if (own) {
        const [x, y] = [each.x - own.first[0], each.y - own.first[1]];
        const half = [0.5 * each.width + 2, 0.5 * each.height + 2];
        each.corners = own.placement.corners([x - half[0], y - half[1], x + half[0], y + half[1]]);
      }
    }
    found.structures = found.structures?.filter((each) => each.corners) ?? null;
  }

  /** Frames of what failed: corners, and words. */
  failedFrames() {
    return (this.findings?.failed ?? []).flatMap((failed) => {
      const own = this.byId.get(failed.detector);
      const amplifier = own?.amplifiers?.find((each) => each.name === failed.amplifier);
      const corners = failed.amplifier ? amplifier?.corners : own?.outline;
      return corners ? [{ corners, failed, name: own.name }] : [];
    });
  }

  makeLevels(plane) {
    const ofDetectors = plane.factors.map((factor) => {
      const images = this.detectors
        .filter((own) => own.planes.includes(plane.name))
        .map((own) => ({ detector: own.id, bounds: own.bounds, placement: own.placement.binned(factor) }));
      return new Level(plane.name, factor, images, false);
    });
    const mosaics = plane.mosaics.map((mosaic) => {
      const side = mosaic.factor * this.facts.pixelSize;
      const placement = new Placement(mosaic.origin, [[side, 0], [0, side]], mosaic.shape);
      const image = { detector: this.facts.mosaic, bounds: boundsOf(placement.outline()), placement };
      return new Level(plane.name, mosaic.factor, [image], true);
    });
    return [...ofDetectors, ...mosaics];
  }

  /** The coarsest level whose pixels are not smaller than those of the screen would be, or else the coarsest. */
  chooseLevel(plane, zoom) {
    const levels = this.levels.get(plane) ?? [];
    return levels.find((level) => level.factor * zoom >= 0.999) ?? levels.at(-1) ?? null;
  }

  /** Tiles of a level in a window of the focal plane. */
  tilesIn(level, window) {
    const size = this.facts.tileSize;
    const middle = [0.5 * (window[0] + window[2]), 0.5 * (window[1] + window[3])];
    const tiles = [];
    for (const image of level.images) {
      if (!overlap(image.bounds, window)) continue;
      const { placement } = image;
      const seen = [[0, 1], [2, 1], [2, 3], [0, 3]].map(([i, j]) => placement.toPixels(window[i], window[j]));
      const [left, bottom, right, top] = boundsOf(seen).map((edge) => edge + 0.5);
      const last = placement.shape.map((length) => Math.ceil(length / size) - 1);
      const clip = (pixel, most) => Math.min(Math.max(Math.floor(pixel / size), 0), most);
      if (right < 0 || top < 0 || left > placement.shape[1] || bottom > placement.shape[0]) continue;
      for (let row = clip(bottom, last[0]); row <= clip(top, last[0]); row++) {
        for (let column = clip(left, last[1]); column <= clip(right, last[1]); column++) {
          const shape = [row, column].map((index, i) => Math.min(size, placement.shape[i] - index * size));
          const tile = { level, image, row, column, shape, size };
          tile.key = `${this.id}/tile/${image.detector}/${level.plane}/${level.factor}/${row}/${column}`;
          const [x, y] = placement.toFocalPlane((column + 0.5) * size, (row + 0.5) * size);
          tile.distance = Math.hypot(x - middle[0], y - middle[1]);
          tiles.push(tile);
        }
      }
    }
    return tiles.sort((one, other) => one.distance - other.distance);
  }

  detectorAt(x, y) {
    return this.detectors.find((own) => overlap(own.bounds, [x, y, x, y]) && own.placement.pixelAt(x, y)) ?? null;
  }

  /** Say what is at a place: detector, its pixel, amplifier. */
  describe(x, y) {
    const detector = this.detectorAt(x, y);
    if (!detector) return { detector: null };
    const [column, row] = detector.placement.pixelAt(x, y);
    const pixel = [column + detector.first[0], row + detector.first[1]];
    const amplifier = detector.amplifiers?.find(
      ({ edges: [left, bottom, right, top] }) =>
        left <= pixel[0] && pixel[0] < right && bottom <= pixel[1] && pixel[1] < top,
    );
    return { detector, column, row, pixel, amplifier: amplifier?.name ?? "" };
  }

  /** Find the stored pixel of a level at a place: key of its tile, and where it is in there; null without one. */
  pixelOf(level, x, y) {
    const size = this.facts.tileSize;
    let number;
    let pixel;
    if (level.isMosaic) {
      number = this.facts.mosaic;
      pixel = level.images[0].placement.pixelAt(x, y);
    } else {
      const at = this.describe(x, y);
      number = at.detector?.id;
      pixel = at.detector?.planes.includes(level.plane)
        ? [at.column, at.row].map((place) => Math.floor(place / level.factor))
        : null;
    }
    if (!pixel) return null;
    const [column, row] = pixel.map((place) => Math.floor(place / size));
    return {
      key: `${this.id}/tile/${number}/${level.plane}/${level.factor}/${row}/${column}`,
      column: pixel[0] - column * size,
      row: pixel[1] - row * size,
    };
  }
}
