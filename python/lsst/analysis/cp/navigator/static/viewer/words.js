// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers and places in words.

/** Seven digits, as many as a number of four bytes has. */
export function writeValue(value) {
  return Number(value.toPrecision(7)).toString();
}

/** Say what one value of a level is of its pixels. */
export function writeMeaning(plane, factor) {
  if (factor === 1) return "";
  const what = plane === "significance" ? "largest" : "mean";
  return `${what} of ${factor} × ${factor} pixels: `;
}

/** Say where a place is: detector, amplifier, pixel. */
export function writePlace({ detector, amplifier, pixel }) {
  if (!detector) return ["no detector"];
  const name = `${detector.name} (${detector.id})`;
  return [name, ...(amplifier ? [amplifier] : []), `x ${pixel[0]}, y ${pixel[1]}`];
}
