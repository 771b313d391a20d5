// SPDX-License-Identifier: GPL-3.0-or-later
// One plot at a time, along a dimension. The next ones are fetched before they are asked for.
import { listenToKeys, prepareHelp } from "./keys.js";
import { explain, Pictures } from "./pictures.js";

const AHEAD = 3;
const BEHIND = 2;
const FAR = 10;
/** Number of known places beside the shown one below which more are asked for. */
const MARGIN = 14;

const page = document.getElementById("flip");
const stage = document.getElementById("stage");
const note = document.getElementById("note");
const pictures = new Pictures();

/** What is known of the line: items in order, the shown one, and whether there is more at either side. */
let line;
let direction = 1;
/** The request for more places that is under way, if any, and what it is for. */
let asked = null;

const shown = () => line.items[line.index];

function take(answer) {
  const items = [...answer.before.toReversed(), answer.here, ...answer.after];
  line = { ...answer, items, index: answer.before.length };
}

/** Write the address that has what is shown. */
function addressOf(path, item, changes = {}) {
  const query = new URLSearchParams(line.query);
  for (const [key, value] of Object.entries({ type: line.type, along: line.along, ...item.dataId, ...changes })) {
    if (value === null) query.delete(key); else query.set(key, value);
  }
  if (path === "/flip" && isFull()) query.set("size", "full");
  return `${path}?${query}`;
}

const isFull = () => page.classList.contains("full");

async function ask(address) {
  asked?.abort();
  const request = new AbortController();
  asked = request;
  page.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, { signal: request.signal, headers: { accept: "application/json" } });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    return answer;
  } catch (error) {
    if (error.name !== "AbortError") say(error instanceof TypeError ? "The server does not answer." : error.message);
    return null;
  } finally {
    if (asked === request) {
      asked = null;
      page.removeAttribute("aria-busy");
    }
  }
}

function say(text) {
  note.textContent = text;
}

/** Show the item at the index of the line: what it is called at once, and its picture as soon as it is there. */
function show() {
  const item = shown();
  const picture = pictures.get(item.picture);
  describe(item);
  drawStrip();
  if (picture.state === "waiting") {
    stage.replaceChildren();
    stage.classList.add("waiting");
    picture.done.then(() => { if (shown() === item) put(item, picture); });
  } else {
    put(item, picture);
  }
  const wanted = findWanted();
  pictures.keep([item.picture, ...wanted]);
  // What is asked for now comes before what may be asked for next.
  picture.done.then(() => pictures.fetchAhead(wanted, () => shown() === item));
  askForMore();
}

function put(item, picture) {
  stage.classList.remove("waiting");
  if (picture.state === "ready") {
    picture.image.alt = `${line.title}, ${item.text}`;
    stage.replaceChildren(picture.image);
    return;
  }
  pictures.forget(item.picture);
  const problem = document.createElement("p");
  problem.className = "problem";
  problem.textContent = `The picture of ${item.text} cannot be shown.`;
  stage.replaceChildren(problem);
  explain(item.picture).then((reason) => { problem.append(` ${reason}`); });
}

/** List the pictures that may be wanted next: the next ones of the way that one goes, and the last ones. */
function findWanted() {
  const places = [];
  for (let i = 1; i <= AHEAD; i++) places.push(line.index + i * direction);
  for (let i = 1; i <= BEHIND; i++) places.push(line.index - i * direction);
  return places.filter((i) => i in line.items).map((i) => line.items[i].picture);
}

function describe(item) {
  const address = addressOf("/flip", item);
  history.replaceState(null, "", address);
  document.title = `${line.title} – ${item.text}`;
  const facts = document.getElementById("facts");
  facts.replaceChildren(...item.facts.flatMap(([name, value]) => [makeElement("dt", name), makeElement("dd", value)]));
  document.getElementById("dataset").href = item.page;
  document.getElementById("compare").href = item.compare;
  document.getElementById("run").textContent = item.run;
  const isFirst = line.isFirst && line.index === 0;
  const isLast = line.isLast && line.index === line.items.length - 1;
  for (const [id, isEnd] of [["first", isFirst], ["previous", isFirst], ["next", isLast], ["last", isLast]]) {
    document.getElementById(id).disabled = isEnd;
  }
  say("");
}

function makeElement(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

/** Draw small pictures of the places around the shown one. */
function drawStrip() {
  const strip = document.getElementById("strip");
  const [start, end] = [Math.max(0, line.index - 6), Math.min(line.items.length, line.index + 7)];
  const drawn = new Map([...strip.children].map((each) => [each.dataset.id, each]));
  const wanted = line.items.slice(start, end).map((item) => drawn.get(item.id) ?? makeLink(item));
  const kept = new Set(wanted);
  for (const each of drawn.values()) if (!kept.has(each)) each.remove();
  wanted.forEach((each, i) => {
    if (strip.children[i] !== each) strip.insertBefore(each, strip.children[i] ?? null);
    each.toggleAttribute("aria-current", each.dataset.id === shown().id);
  });
  const current = strip.querySelector("[aria-current]");
  strip.scrollLeft = current.offsetLeft - strip.offsetLeft - (strip.clientWidth - current.offsetWidth) / 2;
}

function makeLink(item) {
  const link = makeElement("a", "");
  const image = new Image();
  image.alt = "";
  image.loading = "lazy";
  image.src = item.thumbnail;
  image.addEventListener("error", () => link.classList.add("lost"));
  link.append(image, makeElement("span", item.label));
  link.dataset.id = item.id;
  link.href = addressOf("/flip", item);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    moveTo(line.items.findIndex((each) => each.id === item.id));
  });
  return link;
}

/** Ask for the places beyond those that are known, before one gets there. */
async function askForMore() {
  const side = direction > 0 ? "after" : "before";
  const left = direction > 0 ? line.items.length - 1 - line.index : line.index;
  if (asked !== null || left >= MARGIN || (direction > 0 ? line.isLast : line.isFirst)) return;
  const before = line;
  const edge = direction > 0 ? line.items.at(-1) : line.items[0];
  const answer = await ask(addressOf("/flip/line", edge, { side }));
  if (answer === null || line !== before) return;
  if (side === "after") {
    line.items.push(...answer.after);
    line.isLast = answer.isLast;
  } else {
    line.items.unshift(...answer.before.toReversed());
    line.index += answer.before.length;
    line.isFirst = answer.isFirst;
  }
  drawStrip();
}

function moveTo(index) {
  const place = Math.min(Math.max(index, 0), line.items.length - 1);
  if (place === line.index) {
    const isEnd = index < 0 ? line.isFirst : line.isLast;
    say(isEnd ? `This is the ${index < 0 ? "first" : "last"} ${line.along}.` : "Looking for more …");
    askForMore();
    return;
  }
  direction = Math.sign(place - line.index);
  line.index = place;
  show();
}

/** Go on by some places. While a key is held nothing is passed over that was not shown. */
function move(step, event) {
  if (event?.repeat && stage.classList.contains("waiting")) return;
  direction = Math.sign(step);
  moveTo(line.index + step);
}

/** Go to another line, or to an end of this one; who has gone on in the meantime stays there. */
async function go(address) {
  const from = shown();
  const answer = await ask(address);
  if (answer === null || shown() !== from) return;
  take(answer);
  drawChoices();
  show();
}

const goToEnd = (end) => {
  direction = end === "first" ? 1 : -1;
  const isKnown = end === "first" ? line.isFirst : line.isLast;
  if (isKnown) moveTo(end === "first" ? 0 : line.items.length - 1);
  else go(addressOf("/flip/line", shown(), { end }));
};

/** Go to the next type of plot that there is of this data ID. */
async function changeType(step) {
  const item = shown();
  const answer = await ask(addressOf("/flip/types", item));
  if (answer === null || shown() !== item) return;
  const place = answer.types.indexOf(line.type);
  if (answer.types.length < 2) {
    say("There is no other plot of this data ID.");
    return;
  }
  const next = answer.types[(place + step + answer.types.length) % answer.types.length];
  go(addressOf("/flip/line", item, { type: next }));
}

function drawChoices() {
  const along = document.getElementById("along");
  along.replaceChildren(...line.alongs.map((name) => new Option(name, name, false, name === line.along)));
  const type = document.getElementById("type");
  type.value = line.type;
  document.getElementById("title").textContent = line.title;
}

function toggleSize() {
  page.classList.toggle("full");
  document.getElementById("size").setAttribute("aria-pressed", String(isFull()));
  history.replaceState(null, "", addressOf("/flip", shown()));
}

function listen() {
  const steps = { previous: -1, next: 1 };
  for (const [id, step] of Object.entries(steps)) {
    document.getElementById(id).addEventListener("click", () => move(step));
  }
  for (const end of ["first", "last"]) {
    document.getElementById(end).addEventListener("click", () => goToEnd(end));
  }
  document.getElementById("size").addEventListener("click", toggleSize);
  document.getElementById("along").addEventListener("change", (event) => {
    go(addressOf("/flip/line", shown(), { along: event.target.value })).then(drawChoices);
    event.target.blur();
  });
  document.getElementById("type").addEventListener("change", (event) => {
    go(addressOf("/flip/line", shown(), { type: event.target.value })).then(drawChoices);
    event.target.blur();
  });
  listenToKeys({
    ArrowLeft: (event) => move(-1, event),
    ArrowRight: (event) => move(1, event),
    PageUp: (event) => move(-FAR, event),
    PageDown: (event) => move(FAR, event),
    Home: () => goToEnd("first"),
    End: () => goToEnd("last"),
    ArrowUp: (event) => event.repeat || changeType(-1),
    ArrowDown: (event) => event.repeat || changeType(1),
    " ": toggleSize,
    s: toggleSize,
    "?": prepareHelp(),
  });
}

take(JSON.parse(page.dataset.line));
page.classList.toggle("full", new URLSearchParams(location.search).get("size") === "full");
document.getElementById("size").setAttribute("aria-pressed", String(isFull()));
drawChoices();
listen();
show();
