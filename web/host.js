// The host's page: camera and microphone go to the show named in the invitation's fragment.

import { Publication, Refused } from "./whip.js";

const RETRY_MS = [1000, 2000, 4000, 8000];
const STEADY_MS = 10000;
const CAMERA = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: {
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30 },
    facingMode: "user",
  },
};
const CAMERA_TROUBLE = {
  NotAllowedError: "Camera or microphone is blocked. Allow both in the browser, then join again.",
  NotFoundError: "No camera or microphone was found. Plug one in, then join again.",
  NotReadableError: "Another program is using the camera. Close it, then join again.",
  OverconstrainedError: "This camera cannot be used. Choose another one, then join again.",
};

const invitation = new URLSearchParams(location.hash.slice(1));
const show = invitation.get("show");
const token = invitation.get("token");
const element = (id) => document.getElementById(id);

let publication = null;
let joined = 0; // counts joins, so that what belongs to an earlier one ends by itself

function say(state, text) {
  document.body.dataset.state = state;
  element("status").textContent = text;
  const inside = state === "connecting" || state === "connected";
  element("join").hidden = inside;
  element("leave").hidden = !inside;
}

async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("The browser gives its camera to secure pages only: open the https address.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia(CAMERA);
  } catch (error) {
    throw new Error(CAMERA_TROUBLE[error.name] ?? `The camera did not start: ${error.message}`);
  }
}

async function join() {
  const mine = ++joined;
  say("connecting", "Starting camera and microphone…");
  let stream;
  try {
    stream = await openCamera();
  } catch (error) {
    if (mine === joined) say("failed", error.message);
    return;
  }
  if (mine !== joined) return stop(stream);
  element("self").srcObject = stream;
  await publish(stream, mine);
}

/** Publishes until the host leaves, again and again when the connection breaks. */
async function publish(stream, mine) {
  const endpoint = new URL(`whip/${encodeURIComponent(show)}`, location.href);
  for (let attempt = 0; mine === joined; attempt++) {
    say("connecting", attempt ? "The connection broke. Joining again…" : "Connecting…");
    publication = new Publication(endpoint, token, stream);
    let pause = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
    try {
      await publication.connect();
      if (mine !== joined) return;
      say("connected", "You are connected: the studio sees and hears you.");
      const since = performance.now();
      await publication.lost();
      // Two pages with one invitation put each other out: they must not do so at full speed.
      if (performance.now() - since > STEADY_MS) attempt = pause = 0;
    } catch (error) {
      if (error instanceof Refused) {
        if (error.final) {
          if (mine === joined) leave("failed", refusal(error));
          return;
        }
        pause = Math.max(pause, error.retryAfterMs);
        if (mine === joined) say("connecting", `${sentence(error.message)} Trying again…`);
      }
    }
    if (mine !== joined) return;
    publication.close();
    if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function refusal(error) {
  if ([401, 403, 404].includes(error.status)) {
    return "This invitation is not valid any more. Ask the studio for a new link.";
  }
  return sentence(error.message);
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function leave(state, text) {
  joined++;
  publication?.close();
  publication = null;
  stop(element("self").srcObject);
  element("self").srcObject = null;
  say(state, text);
}

function stop(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}

if (show && token) {
  element("join").addEventListener("click", join);
  element("leave").addEventListener("click", () => leave("idle", "You have left the show."));
  addEventListener("pagehide", () => publication?.close());
} else {
  element("join").disabled = true;
  say("failed", "This link is not complete. Open the invitation as it was sent to you.");
}
