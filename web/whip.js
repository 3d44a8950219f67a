// Publishing by WHIP (RFC 9725): one POST makes a session, DELETE ends it.

import { network } from "./network.js";
import { PictureSize } from "./picture.js";

const CONNECT_WITHIN_MS = 8000;
const MAX_BITRATE = 3_000_000;

// The server answers what it gets every 50 ms. A path that is silent for so long carries nothing
// any more; browsers take 5 s and more to say so.
const LOOK_MS = 200;
const SILENT_MS = 1200;
const SILENT_AFTER_CHANGE_MS = 400;

/** The server's refusal, in its own words. `final` when asking again cannot help. */
export class Refused extends Error {
  constructor(status, detail, retryAfterS) {
    super(detail);
    this.status = status;
    this.final = [400, 401, 403, 404, 422].includes(status);
    this.retryAfterMs = 1000 * retryAfterS;
  }
}

/** One connection that carries a MediaStream to a WHIP endpoint. */
export class Publication {
  /** Whether another device has the invitation's place, so that this one waits for it. */
  isContender = false;

  #peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  #asking = new AbortController();
  #invitation;
  #session = null;
  #camera = null;
  #picture = null;
  #isConnected = false;
  #silenceMs = SILENT_MS;
  #networkChanged = () => {
    if (this.#isConnected) this.#silenceMs = SILENT_AFTER_CHANGE_MS;
    else this.abandon();
  };

  /** `invitation` is `{endpoint, token, resumeSecret}`. */
  constructor(invitation, stream) {
    this.#invitation = invitation;
    for (const track of stream.getAudioTracks()) {
      this.#peer.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    }
    for (const track of stream.getVideoTracks()) {
      // Chromium shrinks a camera whose first frame comes before the network's rate is known:
      // the track follows when the connection stands.
      const { sender } = preferH264(
        this.#peer.addTransceiver("video", {
          direction: "sendonly",
          streams: [stream],
          sendEncodings: [{ maxBitrate: MAX_BITRATE }],
        }),
      );
      this.#camera = () => sender.replaceTrack(track);
      this.#picture = new PictureSize(sender, track);
    }
    network.addEventListener("change", this.#networkChanged);
  }

  /** Resolves once media flows; rejects with Refused, or an Error when no path is found. */
  async connect() {
    const giveUp = setTimeout(() => this.abandon(), CONNECT_WITHIN_MS);
    try {
      // The server takes candidates it was not told of as they ring, so nothing waits for gathering.
      await this.#peer.setLocalDescription();
      await this.#peer.setRemoteDescription({ type: "answer", sdp: await this.#ask() });
      await this.#connected();
      await this.#camera?.();
      this.#isConnected = true;
    } finally {
      clearTimeout(giveUp);
    }
  }

  /** Resolves when the connection is over: to whether the server ended it. If not, the path
      carries nothing any more. */
  async ended() {
    let heard = -1;
    let silentMs = 0;
    while (this.#isUp() && silentMs < this.#silenceMs) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const received = await this.#received();
      silentMs = received === heard ? silentMs + LOOK_MS : 0;
      heard = received;
    }
    return !this.#isUp();
  }

  /** Sends the picture as `wanted` by the feed's events. */
  want(wanted) {
    this.#picture?.want(wanted);
  }

  /** Ends the connection, not the host's place in the show: another one is to take it. */
  abandon() {
    this.#session = null;
    network.removeEventListener("change", this.#networkChanged);
    this.#asking.abort();
    this.#picture?.close();
    this.#peer.close();
    this.#peer.dispatchEvent(new Event("connectionstatechange"));
  }

  /** Ends the session, because the host leaves; also while the page is going away. */
  leave() {
    const session = this.#session;
    if (session === null && this.#peer.signalingState === "have-local-offer") {
      this.#peer.close(); // the session is ended when the server has told its address
      return;
    }
    if (session === null) return this.abandon();
    this.#session = null;
    const headers = { Authorization: `Bearer ${this.#invitation.token}` };
    // A connection that closes before the server has heard of it counts as lost.
    fetch(session, { method: "DELETE", headers, keepalive: true })
      .catch(() => {})
      .finally(() => this.abandon());
  }

  /** The server's answer to our offer. */
  async #ask() {
    const { endpoint, token, resumeSecret } = this.#invitation;
    const response = await fetch(endpoint, {
      method: "POST",
      headers: {
        "Content-Type": "application/sdp",
        Authorization: `Bearer ${token}`,
        "Shopcast-Resume": resumeSecret,
      },
      body: this.#peer.localDescription.sdp,
      signal: this.#asking.signal,
    });
    if (response.status !== 201) {
      const problem = await response.json().catch(() => ({}));
      const detail = problem.detail ?? `the server answered ${response.status}`;
      throw new Refused(response.status, detail, Number(response.headers.get("Retry-After") ?? 0));
    }
    this.#session = new URL(response.headers.get("Location"), response.url);
    this.isContender = response.headers.get("Shopcast-Contender") === "true";
    if (this.#peer.signalingState === "closed") {
      this.leave();
      throw new Error("closed before the server answered");
    }
    return response.text();
  }

  #connected() {
    const peer = this.#peer;
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!this.#isUp()) settle(reject);
        else if (peer.connectionState === "connected") settle(resolve);
      };
      const settle = (how) => {
        peer.removeEventListener("connectionstatechange", look);
        how(how === reject ? new Error("no connection to the server was made") : undefined);
      };
      peer.addEventListener("connectionstatechange", look);
      look();
    });
  }

  /** When the server hangs up, its encryption closes; the connection's own state stays. */
  #isUp() {
    const encryption = this.#peer.getSenders()[0]?.transport?.state;
    const ended = ["closed", "failed"];
    return !ended.includes(encryption) && !ended.includes(this.#peer.connectionState);
  }

  /** Bytes that came from the server. */
  async #received() {
    const reports = await this.#peer.getSenders()[0].getStats();
    let bytes = 0;
    for (const { type, bytesReceived } of reports.values()) {
      if (type === "candidate-pair") bytes += bytesReceived ?? 0;
    }
    return bytes;
  }
}

/** H.264 costs a phone least; every browser has VP8. */
function preferH264(transceiver) {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs;
  if (codecs && transceiver.setCodecPreferences) {
    const rank = ({ mimeType }) => ["video/H264", "video/VP8"].indexOf(mimeType) >>> 0;
    transceiver.setCodecPreferences([...codecs].sort((a, b) => rank(a) - rank(b)));
  }
  return transceiver;
}
