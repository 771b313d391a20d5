// SPDX-License-Identifier: GPL-3.0-or-later
// Keys of pages.

/**
 * Let keys do something: an object of functions by the names of keys, which are given the event.
 * Keys that are typed into fields, or pressed with Ctrl, Alt or Meta, are left alone; so are those of the page
 * while a dialog is open.
 */
export function listenToKeys(actions, element = document) {
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (event.target.closest("input, select, textarea")) return;
    if (element === document && document.querySelector("dialog[open]")) return;
    // A button that has the focus is pressed by the space key.
    if (event.key === " " && event.target.closest("button, a, summary")) return;
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action(event);
  });
}

/** Let a button show the help, and return what shows it. */
export function prepareHelp() {
  const show = () => document.getElementById("help").showModal();
  document.getElementById("help-button").addEventListener("click", show);
  return show;
}
