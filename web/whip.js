// Publishing by WHIP (RFC 9725): one POST makes a session, DELETE ends it.

const DISCONNECTED_FOR_MS = 4000;
const CONNECT_WITHIN_MS = 15000;
const MAX_BITRATE = 3_000_000;

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
  #peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  #endpoint;
  #token;
  #session = null;
  #camera = null;

  constructor(endpoint, token, stream) {
    this.#endpoint = endpoint;
    this.#token = token;
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
    }
  }

  /** Resolves once media flows; rejects with Refused, or an Error when no path is found. */
  async connect() {
    // The server takes candidates it was not told of as they ring, so nothing waits for gathering.
    await this.#peer.setLocalDescription();
    const connected = this.#stateIs(["connected"], ["failed", "closed"], CONNECT_WITHIN_MS);
    connected.catch(() => {}); // looked at below, after the answer
    const response = await fetch(this.#endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${this.#token}` },
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
    // When the server hangs up, this closes; the connection's own state stays as it is.
    this.#peer.getSenders()[0].transport?.addEventListener("statechange", () =>
      this.#peer.dispatchEvent(new Event("connectionstatechange")),
    );
    await connected;
    await this.#camera?.();
  }

  /** Resolves when the connection is lost for good. */
  async lost() {
    const ended = ["failed", "closed"];
    for (;;) {
      await this.#stateIs(["disconnected", ...ended]);
      try {
        await this.#stateIs(["connected"], ended, DISCONNECTED_FOR_MS);
      } catch {
        return;
      }
    }
  }

  /** Ends the session; also while the page is going away. */
  close() {
    this.#peer.close();
    if (!this.#session) return;
    const headers = { Authorization: `Bearer ${this.#token}` };
    fetch(this.#session, { method: "DELETE", headers, keepalive: true }).catch(() => {});
    this.#session = null;
  }

  #state() {
    const encryption = this.#peer.getSenders()[0]?.transport?.state;
    return ["closed", "failed"].includes(encryption) ? encryption : this.#peer.connectionState;
  }

  #stateIs(wanted, unwanted = [], withinMs = 0) {
    const peer = this.#peer;
    return new Promise((resolve, reject) => {
      const look = () => {
        if (wanted.includes(this.#state())) settle(resolve);
        else if (unwanted.includes(this.#state())) settle(reject);
      };
      const timer = withinMs ? setTimeout(() => settle(reject), withinMs) : 0;
      const settle = (how) => {
        clearTimeout(timer);
        peer.removeEventListener("connectionstatechange", look);
        how(how === reject ? new Error("no connection to the server was made") : undefined);
      };
      peer.addEventListener("connectionstatechange", look);
      look();
    });
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
