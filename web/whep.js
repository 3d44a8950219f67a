// Watching by WHEP (draft-ietf-wish-whep): one POST makes a session, DELETE ends it.

import { Refused } from "./whip.js";

/** One connection that brings a canvas and the show's sound as a MediaStream. */
export class Viewing {
  stream = new MediaStream();
  #peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  #endpoint;
  #headers;
  #session = null;

  /** Without a token the session's cookie counts. */
  constructor(endpoint, token = null) {
    this.#endpoint = endpoint;
    this.#headers = token ? { Authorization: `Bearer ${token}` } : {};
    for (const kind of ["audio", "video"]) {
      const { receiver } = this.#peer.addTransceiver(kind, { direction: "recvonly" });
      this.stream.addTrack(receiver.track);
    }
  }

  /** Resolves once the server has answered; rejects with Refused. Media follows by itself. */
  async connect() {
    // The server takes candidates it was not told of as they ring, so nothing waits for gathering.
    const { type, sdp } = await this.#peer.createOffer();
    await this.#peer.setLocalDescription({ type, sdp: inStereo(sdp) });
    const response = await fetch(this.#endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", ...this.#headers },
      body: this.#peer.localDescription.sdp,
    });
    if (response.status !== 201) {
      const problem = await response.json().catch(() => ({}));
      const detail = problem.detail ?? `the server answered ${response.status}`;
      throw new Refused(response.status, detail, Number(response.headers.get("Retry-After") ?? 0));
    }
    this.#session = new URL(response.headers.get("Location"), response.url);
    if (this.#peer.signalingState === "closed") {
      this.close();
      throw new Error("closed before the server answered");
    }
    await this.#peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
  }

  /** Resolves when the connection is lost for good, or when it could not be made. */
  async lost() {
    const { transport } = this.#peer.getReceivers()[0];
    await new Promise((resolve) => {
      const look = () => {
        const states = [transport?.state, this.#peer.connectionState];
        if (states.includes("failed") || states.includes("closed")) resolve();
      };
      transport?.addEventListener("statechange", look);
      this.#peer.addEventListener("connectionstatechange", look);
      look();
    });
  }

  /** What the browser measures of it. */
  stats() {
    return this.#peer.getStats();
  }

  /** Ends the session; also while the page is going away. */
  close() {
    this.#peer.close();
    if (!this.#session) return;
    const headers = this.#headers;
    fetch(this.#session, { method: "DELETE", headers, keepalive: true }).catch(() => {});
    this.#session = null;
  }
}

/** Browsers decode one channel unless their own offer asks for two. */
function inStereo(sdp) {
  const opus = sdp.match(/a=rtpmap:(\d+) opus\/48000\/2/i)?.[1];
  return opus ? sdp.replace(new RegExp(`(a=fmtp:${opus} .*)`), "$1;stereo=1") : sdp;
}
