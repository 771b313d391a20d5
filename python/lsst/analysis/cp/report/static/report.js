// SPDX-License-Identifier: GPL-3.0-or-later
// What a page shows is in its address: "#bias-C10", or "#at=bias-C10&sort.bias=2.down&find.bias=R22&tab.maps=map-bias".
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  const readState = () => {
    const hash = location.hash.slice(1);
    return new URLSearchParams(hash === "" || hash.includes("=") ? hash : { at: decodeURIComponent(hash) });
  };
  const writeState = (name, value, adds) => {
    const state = readState();
    if (value) state.set(name, value);
    else state.delete(name);
    history[adds ? "pushState" : "replaceState"](null, "", `#${state}`);
    show();
  };

  // Tables

  const MISSING = "–";
  const keyOf = (cell) => {
    const text = cell.dataset.sort ?? cell.dataset.value ?? cell.textContent.trim().replace(/^[✗✓?·]\s*/, "");
    if (text === MISSING || text === "") return null;
    const number = Number(text.replace("∞", "Infinity"));
    return Number.isNaN(number) ? text : number;
  };
  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * String(a).localeCompare(String(b), undefined, { numeric: true });
  };

  class ListTable {
    constructor(table) {
      this.name = table.id;
      this.body = table.tBodies[0];
      this.rows = [...this.body.rows];
      this.heads = [...table.tHead.rows[0].cells];
      this.heads.forEach((head, i) => {
        const button = make("button", { type: "button" }, ...head.childNodes);
        button.addEventListener("click", () => this.turn(i));
        head.append(button);
      });
      this.search = make("input", { type: "search", autocomplete: "off" });
      this.search.addEventListener("input", () => writeState(`find.${this.name}`, this.search.value, false));
      this.onlyBad = make("input", { type: "checkbox" });
      this.onlyBad.addEventListener("change", () => writeState(`bad.${this.name}`, this.onlyBad.checked ? "1" : "", true));
      this.count = make("output");
      const tools = make("div", { className: "tools" }, make("label", {}, "Find ", this.search));
      const isGood = (row) => row.classList.contains("g") || row.classList.contains("x");
      this.hasGood = this.rows.some(isGood) && !this.rows.every(isGood);
      this.isGood = isGood;
      if (this.hasGood) tools.append(make("label", {}, this.onlyBad, " only what is not good"));
      tools.append(this.count);
      if (this.rows.length > 5) table.closest(".scroll").before(tools);
    }
    turn(i) {
      const [column, way] = (readState().get(`sort.${this.name}`) ?? "").split(".");
      const next = column !== String(i) ? "up" : way === "up" ? "down" : "";
      writeState(`sort.${this.name}`, next && `${i}.${next}`, true);
    }
    show(state) {
      const [column, way] = (state.get(`sort.${this.name}`) ?? "").split(".");
      const found = state.get(`find.${this.name}`) ?? "";
      const bad = state.has(`bad.${this.name}`);
      const wanted = JSON.stringify([column, way, found, bad]);
      if (wanted === this.shown) return;
      this.shown = wanted;
      if (this.search.value !== found) this.search.value = found;
      this.onlyBad.checked = bad;
      this.heads.forEach((head, i) => {
        if (String(i) === column) head.setAttribute("aria-sort", way === "up" ? "ascending" : "descending");
        else head.removeAttribute("aria-sort");
      });
      let rows = this.rows;
      if (this.heads[column]) {
        const keys = new Map(rows.map((row) => [row, keyOf(row.cells[column])]));
        const sign = way === "up" ? 1 : -1;
        rows = rows.toSorted ? rows.toSorted((a, b) => compare(keys.get(a), keys.get(b), sign)) : rows;
      }
      this.body.append(...rows);
      const words = found.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of this.rows) {
        const text = words.length ? row.textContent.toLowerCase() : "";
        row.hidden = (bad && this.isGood(row)) || !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      this.count.textContent = shown === this.rows.length ? `${shown} rows` : `${shown} of ${this.rows.length} rows`;
    }
  }

  // Tabs

  class Tabs {
    constructor(group) {
      this.name = group.id;
      this.panels = all(":scope > [data-tab]", group);
      const list = make("div", { className: "tablist" });
      list.setAttribute("role", "tablist");
      this.buttons = this.panels.map((panel, i) => {
        const button = make("button", { type: "button" }, panel.dataset.tab);
        button.setAttribute("role", "tab");
        button.setAttribute("aria-controls", panel.id);
        panel.setAttribute("role", "tabpanel");
        button.addEventListener("click", () => writeState(`tab.${this.name}`, i ? panel.id : "", true));
        return button;
      });
      list.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const i = this.buttons.indexOf(document.activeElement) + (step ?? 0);
        if (!step || !this.buttons[i]) return;
        this.buttons[i].focus();
        this.buttons[i].click();
      });
      list.append(...this.buttons);
      group.prepend(list);
    }
    show(state) {
      const wanted = state.get(`tab.${this.name}`);
      const chosen = this.panels.find((panel) => panel.id === wanted) ?? this.panels[0];
      this.panels.forEach((panel, i) => {
        panel.hidden = panel !== chosen;
        this.buttons[i].setAttribute("aria-selected", String(panel === chosen));
        this.buttons[i].tabIndex = panel === chosen ? 0 : -1;
      });
    }
  }

  // Maps: arrow keys lead to the nearest neighbour in their direction.

  const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const middleOf = (link) => {
    const box = link.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const moveOnMap = (event) => {
    const direction = DIRECTIONS[event.key];
    const own = event.target.closest?.("svg.map a");
    if (!direction || !own) return;
    event.preventDefault();
    const [x, y] = middleOf(own);
    let best = null;
    let least = Infinity;
    for (const link of all("a", own.ownerSVGElement)) {
      const [dx, dy] = ((at) => [at[0] - x, at[1] - y])(middleOf(link));
      const along = dx * direction[0] + dy * direction[1];
      const across = Math.abs(dx * direction[1]) + Math.abs(dy * direction[0]);
      const distance = along + 3 * across;
      if (along > 1 && across < 2 * along && distance < least) [best, least] = [link, distance];
    }
    best?.focus();
  };

  const parts = [...all("table.list").map((table) => new ListTable(table)), ...all(".tabs").map((group) => new Tabs(group))];
  let place = null;
  const show = () => {
    const state = readState();
    parts.forEach((part) => part.show(state));
    if (state.get("at") === place) return;
    place = state.get("at");
    all(".here").forEach((element) => element.classList.remove("here"));
    const target = place && document.getElementById(place);
    if (!target) return;
    target.closest("details")?.setAttribute("open", "");
    target.classList.add("here");
    target.scrollIntoView({ block: "center" });
  };
  const onKey = (event) => {
    moveOnMap(event);
    if (event.target.closest?.("input, textarea, [contenteditable]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      const search = all(".tools input[type=search]").find((input) => input.offsetParent);
      if (search) event.preventDefault();
      search?.focus();
    }
    const way = { n: "next", p: "prev", u: "up" }[event.key];
    if (way) document.querySelector(`nav a[rel=${way}]`)?.click();
  };
  addEventListener("popstate", show);
  addEventListener("hashchange", show);
  document.addEventListener("keydown", onKey);
  // A number shows all of its digits where the mouse is over it.
  document.addEventListener("mouseover", (event) => {
    const cell = event.target.closest?.("[data-value]");
    if (cell && !cell.title) cell.title = cell.dataset.value;
  });
  show();
})();
