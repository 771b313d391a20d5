// SPDX-License-Identifier: GPL-3.0-or-later
// Tiles in the memory of the browser: loaded in the order in which they are wanted, the oldest forgotten.

const MOST_BYTES = 300 * 2 ** 20;
const MOST_REQUESTS = 6;
const RETRY_AFTER = 4000;
/** The database is busy, and will not be for ever. */
const BUSY = 503;

export class TileStore {
  /** @param {() => void} changed called when a tile has come, or failed */
  constructor(changed) {
    this.changed = changed;
    this.tiles = new Map();
    this.requests = new Map();
    this.wanted = [];
    this.nBytes = 0;
  }

  /** Return a tile that is here: its pixels, or what is wrong with it. */
  get(key) {
    const tile = this.tiles.get(key);
    if (tile) {
      // The map keeps the order of use.
      this.tiles.delete(key);
      this.tiles.set(key, tile);
    }
    return tile;
  }

  peek(key) {
    return this.tiles.get(key);
  }

  /** Load these tiles, the first ones first; others that are under way are given up. */
  want(tiles) {
    this.wanted = tiles.filter(({ key }) => !this.tiles.has(key));
    const keys = new Set(this.wanted.map(({ key }) => key));
    for (const [key, control] of this.requests) {
      if (!keys.has(key)) {
        control.abort();
        this.requests.delete(key);
      }
    }
    this.pump();
  }

  get isIdle() {
    return this.wanted.length === 0;
  }

  /** What is wrong with tiles, in words. */
  problems() {
    return [...new Set([...this.tiles.values()].filter((tile) => tile.problem).map((tile) => tile.problem))];
  }

  pump() {
    for (const tile of this.wanted) {
      if (this.requests.size >= MOST_REQUESTS) return;
      if (!this.requests.has(tile.key)) this.load(tile);
    }
  }

  async load({ key, shape, level }) {
    const control = new AbortController();
    this.requests.set(key, control);
    let tile;
    try {
      const response = await fetch(`/pyramid/${key}`, { signal: control.signal });
      if (response.status === BUSY) throw new Error("busy");
      if (response.ok) {
        const content = await response.arrayBuffer();
        const data = level.plane === "mask" ? new Int32Array(content) : new Float32Array(content);
        tile = { data, shape, nBytes: 2 * content.byteLength };
        if (data.length !== shape[0] * shape[1]) {
          tile = { problem: `a tile has ${data.length} pixels instead of ${shape.join(" × ")}`, shape, nBytes: 0 };
        }
      } else {
        const { detail } = await response.json();
        tile = { problem: detail ?? `the server says ${response.status}`, shape, nBytes: 0 };
      }
    } catch {
      if (control.signal.aborted) return;
      tile = { problem: "the server does not answer", shape, nBytes: 0 };
      setTimeout(() => {
        this.tiles.delete(key);
        this.changed();
      }, RETRY_AFTER);
    }
    if (control.signal.aborted) return;
    this.requests.delete(key);
    this.tiles.set(key, tile);
    this.nBytes += tile.nBytes;
    this.wanted = this.wanted.filter((each) => each.key !== key);
    this.forget();
    this.pump();
    this.changed();
  }

  forget() {
    for (const [key, tile] of this.tiles) {
      if (this.nBytes <= MOST_BYTES) return;
      this.tiles.delete(key);
      this.nBytes -= tile.nBytes;
    }
  }
}
