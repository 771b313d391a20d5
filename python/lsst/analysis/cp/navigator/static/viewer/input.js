// SPDX-License-Identifier: GPL-3.0-or-later
// Mouse, touch and keyboard on the picture.

const CLICK_REACH = 4;

/** Let a pointer drag, pinch and click, and the wheel zoom. */
export function listenToPointers(canvas, view, { moved, pointed, clicked, left }) {
  const pointers = new Map();
  let travelled = 0;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const spread = () => {
    const [[x0, y0], [x1, y1]] = [...pointers.values()];
    return { x: 0.5 * (x0 + x1), y: 0.5 * (y0 + y1), size: Math.hypot(x1 - x0, y1 - y0) };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    travelled = pointers.size > 1 ? Infinity : 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = place(event);
    const before = pointers.get(event.pointerId);
    if (before && pointers.size === 1) {
      travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
      if (travelled > CLICK_REACH) {
        view.pan(now[0] - before[0], now[1] - before[1]);
        moved();
      }
      pointers.set(event.pointerId, now);
    } else if (before && pointers.size === 2) {
      const old = spread();
      pointers.set(event.pointerId, now);
      const fresh = spread();
      view.pan(fresh.x - old.x, fresh.y - old.y);
      if (old.size > 0 && fresh.size > 0) view.zoomAround(fresh.x, fresh.y, fresh.size / old.size);
      moved();
    }
    pointed(...now);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (pointers.delete(event.pointerId) && travelled <= CLICK_REACH) clicked(...place(event));
  });
  canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => left());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    // A line of a wheel is about 16 pixels; a pinch on a touch pad comes as a small turn with Ctrl.
    const turn = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
    const factor = Math.exp(-turn * (event.ctrlKey ? 0.01 : 0.002));
    view.zoomAround(...place(event), Math.min(Math.max(factor, 0.5), 2));
    moved();
    pointed(...place(event));
  }, { passive: false });
}

/** Let keys do what a table says, but not those that are typed into fields. */
export function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const { target } = event;
    if (target.closest("input:not([type=checkbox]), select, textarea")) return;
    const action = actions[event.key];
    if (!action || (target.closest("button, summary, a") && [" ", "Enter"].includes(event.key))) return;
    event.preventDefault();
    action();
  });
}
