// What this device knows of an invitation: a secret by which it takes its own place again.

/** Names the invitation without giving it away. */
async function nameOf(token) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return `shopcast-${hex(new Uint8Array(hash)).slice(0, 32)}`;
}

/** The secret: made once, and kept where the browser lets us. */
export async function resumeSecret(token) {
  const fresh = hex(crypto.getRandomValues(new Uint8Array(16)));
  try {
    const name = await nameOf(token);
    const kept = localStorage.getItem(name) ?? fresh;
    localStorage.setItem(name, kept);
    return kept;
  } catch {
    return fresh;
  }
}

/** This device's other pages with the invitation. */
export class OtherPages {
  #channel = null;

  /** Tells them that it is used here; `onTaken` is called when one of them does so later. */
  async take(token, onTaken) {
    this.#channel = new BroadcastChannel(await nameOf(token));
    this.#channel.onmessage = onTaken;
    this.#channel.postMessage("taken");
  }

  close() {
    this.#channel?.close();
    this.#channel = null;
  }
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
