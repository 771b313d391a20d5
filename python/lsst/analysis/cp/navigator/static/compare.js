// SPDX-License-Identifier: GPL-3.0-or-later
// Pairs of plots: from one to the next, both at one place, and in how far they differ.
import { listenToKeys, prepareHelp } from "./keys.js";
import { explain, Pictures } from "./pictures.js";

/** Time for which either side is shown in turn, ms. */
const TURN = 700;

const pairs = [...document.querySelectorAll(".pair")];
const blinker = document.getElementById("blinker");
const pictures = new Pictures();
let current = 0;
let side = 0;
let timer = null;

/** Give the two sides of a pair: address of the picture, or what is said in its place. */
function sidesOf(pair) {
  return [...pair.querySelectorAll("figure")].map((figure) => ({
    word: figure.dataset.side,
    name: figure.dataset.name,
    picture: figure.dataset.picture,
    text: figure.textContent.trim(),
  }));
}

function rememberPlace() {
  const query = new URLSearchParams(location.search);
  if (blinker.open) query.set("blink", "1"); else query.delete("blink");
  history.replaceState(null, "", `${location.pathname}?${query}#${encodeURIComponent(pairs[current].id)}`);
}

/** Make a pair the current one, or go to the page that has it. */
function choose(index, { isStart = false, scrolls = true } = {}) {
  if (index < 0 || index >= pairs.length) {
    turnPage(index < 0 ? "prev" : "next");
    return;
  }
  pairs[current].classList.remove("current");
  current = index;
  pairs[current].classList.add("current");
  // At first one sees what was asked for.
  if (scrolls && (!isStart || index > 0)) pairs[current].scrollIntoView({ block: "nearest" });
  if (!isStart) rememberPlace();
  if (blinker.open) drawBlinker();
}

function turnPage(way) {
  const link = document.querySelector(`a[rel=${way}]`);
  if (link === null) return;
  const address = new URL(link.href);
  if (blinker.open) address.searchParams.set("blink", "1");
  address.hash = way === "prev" ? "last" : "";
  location.assign(address);
}

function drawBlinker() {
  const shown = sidesOf(pairs[current])[side];
  const pair = pairs[current];
  document.getElementById("blink-side").textContent = `${shown.word}: ${shown.name}`;
  document.getElementById("blink-label").textContent = pair.dataset.label;
  blinker.dataset.side = shown.word;
  const stage = document.getElementById("blink-stage");
  if (shown.picture === undefined) {
    stage.replaceChildren(shown.text);
    return;
  }
  const picture = pictures.get(shown.picture);
  if (picture.state === "ready") stage.replaceChildren(picture.image);
  else stage.replaceChildren("loading …");
  picture.done.then(() => {
    const isStill = blinker.open && pairs[current] === pair && sidesOf(pair)[side].picture === shown.picture;
    if (!isStill) return;
    if (picture.state === "ready") stage.replaceChildren(picture.image);
    else explain(shown.picture).then((reason) => stage.replaceChildren(`There is no picture. ${reason}`));
  });
  fetchNeighbours();
}

/** Fetch the other side, and both of the pairs beside this one. */
function fetchNeighbours() {
  const near = [current, current + 1, current - 1].filter((i) => i in pairs);
  const wanted = near.flatMap((i) => sidesOf(pairs[i]).map((each) => each.picture)).filter(Boolean);
  pictures.keep(wanted);
  const place = current;
  pictures.fetchAhead(wanted, () => current === place);
}

function blink() {
  if (blinker.open) {
    side = 1 - side;
  } else {
    side = 0;
    blinker.showModal();
    rememberPlace();
  }
  drawBlinker();
}

function toggleAuto() {
  clearInterval(timer);
  timer = timer === null ? setInterval(blink, TURN) : null;
  document.getElementById("blink-auto").setAttribute("aria-pressed", String(timer !== null));
}

/** Say in how far the two pictures of a pair differ: only what is known of their bytes and pixels. */
async function tellDifference(pair) {
  const output = pair.querySelector(".difference");
  const images = [...pair.querySelectorAll("img")];
  if (output.textContent || images.length < 2) return;
  try {
    const files = await Promise.all(images.map(async (image) => (await fetch(image.src)).arrayBuffer()));
    output.textContent = areEqual(...files) ? "both files are equal, byte for byte" : comparePixels(...images);
  } catch {
    // Of what could not be read there is nothing to say.
    output.textContent = "";
  }
}

function areEqual(one, other) {
  if (one.byteLength !== other.byteLength) return false;
  const [a, b] = [new Uint8Array(one), new Uint8Array(other)];
  return a.every((value, i) => value === b[i]);
}

function comparePixels(one, other) {
  const [width, height] = [one.naturalWidth, one.naturalHeight];
  if (width !== other.naturalWidth || height !== other.naturalHeight) {
    return `${width} × ${height} and ${other.naturalWidth} × ${other.naturalHeight} pixels`;
  }
  const [a, b] = [one, other].map((image) => {
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    return new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  });
  let number = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) number++;
  if (number === 0) return "the files differ, no pixel does";
  const share = (100 * number) / a.length;
  return `${share < 0.01 ? "under 0.01" : share.toPrecision(2)} % of the pixels differ`;
}

/** Look at the pixels of those pairs that are seen, one after the other. */
function watchPairs() {
  let last = Promise.resolve();
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      const images = [...target.querySelectorAll("img")];
      const loaded = Promise.all(images.map((image) => image.decode().catch(() => replaceLost(image))));
      last = Promise.all([last, loaded]).then(() => tellDifference(target));
    }
  });
  for (const pair of pairs) watcher.observe(pair);
}

/** Say why a picture is not there, in its place. */
async function replaceLost(image) {
  const problem = document.createElement("p");
  problem.className = "problem";
  problem.textContent = await explain(image.src);
  image.closest("figure").classList.add("missing");
  image.replaceWith(problem);
}

function findStart() {
  const anchor = decodeURIComponent(location.hash.slice(1));
  if (anchor === "last") return pairs.length - 1;
  return Math.max(0, pairs.findIndex((pair) => pair.id === anchor));
}

if (pairs.length > 0) {
  pairs.forEach((pair, i) => {
    pair.querySelector(".blink").addEventListener("click", () => { choose(i, { scrolls: false }); blink(); });
    // Who presses the mouse gets the focus: what is under it must not move away.
    pair.addEventListener("focusin", () => { if (current !== i) choose(i, { scrolls: false }); });
  });
  document.getElementById("blink-flip").addEventListener("click", blink);
  document.getElementById("blink-auto").addEventListener("click", toggleAuto);
  blinker.addEventListener("close", () => { if (timer !== null) toggleAuto(); rememberPlace(); });
  const moves = {
    ArrowDown: () => choose(current + 1),
    ArrowRight: () => choose(current + 1),
    ArrowUp: () => choose(current - 1),
    ArrowLeft: () => choose(current - 1),
    n: () => turnPage("next"),
    p: () => turnPage("prev"),
    b: blink,
  };
  listenToKeys({ ...moves, "?": prepareHelp() });
  listenToKeys({ ...moves, a: toggleAuto, " ": blink }, blinker);
  choose(findStart(), { isStart: true });
  watchPairs();
  if (new URLSearchParams(location.search).has("blink")) blink();
}
