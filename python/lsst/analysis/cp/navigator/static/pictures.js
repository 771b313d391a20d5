// SPDX-License-Identifier: GPL-3.0-or-later
// Pictures that are fetched and decoded before they are shown.

/** Most decoded pictures that are kept: each needs some ten megabytes. */
const MOST = 16;

export class Pictures {
  constructor() {
    this.known = new Map();
  }

  /** Give the picture at an address: {image, state: "waiting" | "ready" | "failed", done: Promise}. */
  get(address) {
    let picture = this.known.get(address);
    if (picture === undefined) {
      picture = { image: new Image(), state: "waiting" };
      picture.image.decoding = "async";
      picture.image.src = address;
      picture.done = picture.image.decode().then(
        () => { picture.state = "ready"; },
        () => { picture.state = "failed"; },
      );
    }
    // The last that was asked for is the last in the order of the map.
    this.known.delete(address);
    this.known.set(address, picture);
    return picture;
  }

  /** Give up what is still being fetched and is none of these, and forget the oldest of the others. */
  keep(addresses) {
    const wanted = new Set(addresses);
    for (const [address, picture] of this.known) {
      const isStale = picture.state === "waiting" || this.known.size > MOST;
      if (!wanted.has(address) && isStale) {
        picture.image.src = "";
        this.known.delete(address);
      }
    }
  }

  /** Fetch one after the other, so that the nearest come first; stop as soon as others are wanted. */
  async fetchAhead(addresses, isWanted) {
    for (const address of addresses) {
      if (!isWanted()) return;
      await this.get(address).done;
    }
  }

  /** Forget a picture that failed, to try again when it is asked for. */
  forget(address) {
    this.known.delete(address);
  }
}

/** Ask the server why there is no picture. */
export async function explain(address) {
  try {
    const response = await fetch(address, { headers: { accept: "application/json" } });
    if (response.ok) return "It is damaged.";
    return (await response.json()).detail;
  } catch {
    return "The server does not answer.";
  }
}
