// What the server tells a host: how their feed is, and what of it is wanted.

import { pause } from "./network.js";

const AGAIN_MS = 2000;

/** The events of the feed that `token` invites to. `onView` hears `{status, feed}`, the show's
    status and the feed, at first and whenever they change. */
export class FeedEvents {
  #show;
  #token;
  #onView;
  #source = null;
  #opened = 0;

  constructor(show, token, onView) {
    this.#show = show;
    this.#token = token;
    this.#onView = onView;
  }

  /** Listens from now on, again if it did before. */
  async open() {
    this.close();
    const mine = this.#opened;
    const feed = await this.#signIn(mine);
    if (feed === null || mine !== this.#opened) return;
    const address = `api/v1/shows/${encodeURIComponent(this.#show)}/feeds/${feed}/events`;
    const source = new EventSource(address);
    let view = { status: null, feed: null };
    const hear = (kind, change) =>
      source.addEventListener(kind, ({ data }) => {
        view = { ...view, ...change(JSON.parse(data)) };
        this.#onView(view);
      });
    hear("state", ({ status, feed }) => ({ status, feed }));
    hear("show", ({ status }) => ({ status }));
    hear("feed", (feed) => ({ feed }));
    source.onerror = async () => {
      if (source.readyState !== EventSource.CLOSED) return; // it connects again by itself
      await pause(AGAIN_MS);
      if (source === this.#source) this.open();
    };
    this.#source = source;
  }

  close() {
    this.#opened++;
    this.#source?.close();
    this.#source = null;
  }

  /** The feed's id; null when the invitation is not good for one, or nobody waits any more. */
  async #signIn(mine) {
    while (mine === this.#opened) {
      try {
        const headers = { Authorization: `Bearer ${this.#token}` };
        const response = await fetch("api/v1/session", { method: "POST", headers });
        if (response.ok) return (await response.json()).feed;
        if ([401, 403, 404].includes(response.status)) return null;
      } catch {
        // no network: later
      }
      await pause(AGAIN_MS);
    }
    return null;
  }
}
