// SPDX-License-Identifier: GPL-3.0-or-later
// Planes and pixels: what lies where on the focal plane (mm, y upwards) and on the screen (pixels, y downwards).

/** An image whose pixel (column, row) has its centre at origin + matrix (column, row), mm. */
export class Placement {
  constructor(origin, matrix, shape) {
    this.origin = origin;
    this.matrix = matrix;
    this.shape = shape;
    const [[a, b], [c, d]] = matrix;
    this.determinant = a * d - b * c;
  }

  /** The same image in bins; those cut by its edge count as whole. */
  binned(factor) {
    const [[a, b], [c, d]] = this.matrix;
    const shift = 0.5 * (factor - 1);
    return new Placement(
      [this.origin[0] + shift * (a + b), this.origin[1] + shift * (c + d)],
      [[a * factor, b * factor], [c * factor, d * factor]],
      this.shape.map((size) => Math.ceil(size / factor)),
    );
  }

  toFocalPlane(column, row) {
    const [[a, b], [c, d]] = this.matrix;
    return [this.origin[0] + a * column + b * row, this.origin[1] + c * column + d * row];
  }

  toPixels(x, y) {
    const [[a, b], [c, d]] = this.matrix;
    const dx = x - this.origin[0];
    const dy = y - this.origin[1];
    return [(d * dx - b * dy) / this.determinant, (a * dy - c * dx) / this.determinant];
  }

  /** Return the pixel at a place; null outside. */
  pixelAt(x, y) {
    const [column, row] = this.toPixels(x, y).map((place) => Math.floor(place + 0.5));
    return column >= 0 && row >= 0 && column < this.shape[1] && row < this.shape[0] ? [column, row] : null;
  }

  /** Corners of a box of pixels, whose edges are given, on the focal plane. */
  corners([left, bottom, right, top]) {
    return [[left, bottom], [right, bottom], [right, top], [left, top]].map(([x, y]) => this.toFocalPlane(x, y));
  }

  outline() {
    return this.corners([-0.5, -0.5, this.shape[1] - 0.5, this.shape[0] - 0.5]);
  }
}

/** Edges [left, bottom, right, top] around points. */
export function boundsOf(points) {
  const [x, y] = [0, 1].map((axis) => points.map((point) => point[axis]));
  return [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)];
}

export function overlap(one, other) {
  return one[0] <= other[2] && other[0] <= one[2] && one[1] <= other[3] && other[1] <= one[3];
}

/** What part of the focal plane the screen shows: its centre, and the size of a pixel of factor 1 on the screen. */
export class View {
  constructor(pixelSize, bounds) {
    this.pixelSize = pixelSize;
    this.bounds = bounds;
    this.width = this.height = 1;
    this.showWhole();
  }

  /** Screen pixels a mm. */
  get scale() {
    return this.zoom / this.pixelSize;
  }

  get wholeZoom() {
    const [left, bottom, right, top] = this.bounds;
    return 0.96 * this.pixelSize * Math.min(this.width / (right - left), this.height / (top - bottom));
  }

  showWhole() {
    const [left, bottom, right, top] = this.bounds;
    [this.x, this.y, this.zoom] = [0.5 * (left + right), 0.5 * (bottom + top), this.wholeZoom];
  }

  toScreen([x, y]) {
    return [0.5 * this.width + this.scale * (x - this.x), 0.5 * this.height - this.scale * (y - this.y)];
  }

  toFocalPlane(x, y) {
    return [this.x + (x - 0.5 * this.width) / this.scale, this.y - (y - 0.5 * this.height) / this.scale];
  }

  /** Edges of what is seen, mm. */
  window() {
    const [left, top] = this.toFocalPlane(0, 0);
    const [right, bottom] = this.toFocalPlane(this.width, this.height);
    return [left, bottom, right, top];
  }

  clampZoom(zoom) {
    return Math.min(Math.max(zoom, 0.25 * this.wholeZoom), 80);
  }

  /** Change the zoom so that a place on the screen stays where it is. */
  zoomAround(x, y, factor) {
    const [fixedX, fixedY] = this.toFocalPlane(x, y);
    this.zoom = this.clampZoom(this.zoom * factor);
    const [newX, newY] = this.toFocalPlane(x, y);
    this.moveTo(this.x + fixedX - newX, this.y + fixedY - newY);
  }

  moveTo(x, y) {
    const [left, bottom, right, top] = this.bounds;
    this.x = Math.min(Math.max(x, left), right);
    this.y = Math.min(Math.max(y, bottom), top);
  }

  pan(x, y) {
    this.moveTo(this.x - x / this.scale, this.y + y / this.scale);
  }

  /** The zoom at which a box of the focal plane fills a good part of the screen. */
  zoomFor(bounds, share) {
    const size = [bounds[2] - bounds[0], bounds[3] - bounds[1]];
    return this.clampZoom(share * this.pixelSize * Math.min(this.width / size[0], this.height / size[1]));
  }
}
