// SPDX-License-Identifier: GPL-3.0-or-later
// From values to colours.

const N_STEPS = 4096;
// How strongly asinh raises faint values: as AsinhStretch(a=0.1) of astropy.
const SOFTENING = 0.1;

const STRETCHES = {
  linear: (part) => part,
  sqrt: Math.sqrt,
  asinh: (part) => Math.asinh(part / SOFTENING) / Math.asinh(1 / SOFTENING),
};

// Pixels without a value are chequered, which no map of colours is.
const NO_VALUE = ["#5f4f6b", "#362c3f"];
// The same as bytes of little-endian machines: alpha, blue, green, red.
const NO_VALUE_BYTES = [0xff6b4f5f, 0xff3f2c36];

const MASK_COLOURS = [
  [230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [213, 94, 0], [204, 121, 167], [0, 114, 178],
];
const MASK_OPACITY = 150;

export function decodeTable(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Colours of values between two limits. */
export class Palette {
  constructor(name, table, stretch, low, high) {
    this.key = [name, stretch, low, high].join();
    this.low = low;
    this.high = high;
    this.colours = new Uint32Array(N_STEPS);
    for (let i = 0; i < N_STEPS; i++) {
      const place = 3 * Math.round(255 * STRETCHES[stretch](i / (N_STEPS - 1)));
      this.colours[i] = (0xff000000 | (table[place + 2] << 16) | (table[place + 1] << 8) | table[place]) >>> 0;
    }
  }

  /**
   * Paint the pixels of a tile, once for each palette.
   *
   * Most pixels of a mosaic without a value are on no detector: they let show what is under them.
   */
  paint(tile, isMosaic) {
    if (tile.paintedWith === this.key) return tile.canvas;
    const [nRows, nColumns] = tile.shape;
    tile.canvas ??= newCanvas(nColumns, nRows);
    const context = tile.canvas.getContext("2d");
    const picture = context.createImageData(nColumns, nRows);
    const pixels = new Uint32Array(picture.data.buffer);
    const { low, colours } = this;
    const scale = (N_STEPS - 1) / (this.high - low);
    const noValue = isMosaic ? [0, 0] : NO_VALUE_BYTES;
    let i = 0;
    for (let row = 0; row < nRows; row++) {
      for (let column = 0; column < nColumns; column++, i++) {
        const value = tile.data[i];
        const step = (value - low) * scale;
        pixels[i] = value !== value ? noValue[(row + column) & 1]
          : colours[step <= 0 ? 0 : step >= N_STEPS - 1 ? N_STEPS - 1 : Math.round(step)];
      }
    }
    context.putImageData(picture, 0, 0);
    tile.paintedWith = this.key;
    return tile.canvas;
  }
}

/** Make the pattern of places without a value. */
export function noValuePattern(context) {
  const canvas = newCanvas(8, 8);
  const drawing = canvas.getContext("2d");
  for (let i = 0; i < 4; i++) {
    drawing.fillStyle = NO_VALUE[(i + (i >> 1)) & 1];
    drawing.fillRect(4 * (i & 1), 4 * (i >> 1), 4, 4);
  }
  return context.createPattern(canvas, "repeat");
}

export function maskColour(bit) {
  return MASK_COLOURS[bit % MASK_COLOURS.length];
}

/** Paint the pixels of a tile of a mask that have one of some bits. */
export function paintMask(tile, bits) {
  const key = bits.join();
  if (tile.paintedWith === key) return tile.canvas;
  const [nRows, nColumns] = tile.shape;
  tile.canvas ??= newCanvas(nColumns, nRows);
  const context = tile.canvas.getContext("2d");
  const picture = context.createImageData(nColumns, nRows);
  const pixels = new Uint32Array(picture.data.buffer);
  for (const bit of bits) {
    const [red, green, blue] = maskColour(bit);
    const colour = ((MASK_OPACITY << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    for (let i = 0; i < pixels.length; i++) {
      if ((tile.data[i] >>> bit) & 1) pixels[i] = colour;
    }
  }
  context.putImageData(picture, 0, 0);
  tile.paintedWith = key;
  return tile.canvas;
}

function newCanvas(width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  return canvas;
}

/** Middle of sorted values. */
function medianOf(sorted) {
  return 0.5 * (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]);
}

/**
 * Range of the middle 99% of the values of tiles, but no farther than five robust standard deviations from the
 * median: one bad amplifier must not fade the rest. Null without values.
 */
export function middleRange(tiles) {
  const total = tiles.reduce((sum, tile) => sum + tile.data.length, 0);
  // A prime step does not follow the columns.
  const step = [1, 7, 31, 127, 509].find((each) => total / each <= 60000) ?? 2039;
  const values = [];
  for (const { data } of tiles) {
    for (let i = 0; i < data.length; i += step) {
      if (Number.isFinite(data[i])) values.push(data[i]);
    }
  }
  if (!values.length) return null;
  const sorted = Float64Array.from(values).sort();
  const median = medianOf(sorted);
  const reach = 5 * 1.4826 * medianOf(sorted.map((value) => Math.abs(value - median)).sort()) || Infinity;
  const [first, last] = [0.005, 0.995].map((share) => sorted[Math.round(share * (sorted.length - 1))]);
  const [low, high] = [Math.max(first, median - reach), Math.min(last, median + reach)];
  const half = 0.5 * Math.max(Math.abs(low), 1);
  return low < high ? [low, high] : [low - half, low + half];
}
