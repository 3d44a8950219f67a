// The host's page: camera and microphone go to the show named in the invitation's fragment.

import { mayDoze, stayAwake } from "./awake.js";
import { openCamera, stop } from "./camera.js";
import { OtherPages, resumeSecret } from "./device.js";
import { FeedEvents } from "./events.js";
import { pause } from "./network.js";
import { Publication, Refused } from "./whip.js";

const RETRY_MS = [1000, 2000, 4000, 8000];
const NO_PATH_MS = 500;
const STEADY_MS = 10000;

const invitation = new URLSearchParams(location.hash.slice(1));
const show = invitation.get("show");
const token = invitation.get("token");
const element = (id) => document.getElementById(id);

const otherPages = new OtherPages();
const events = new FeedEvents(show, token, hear);
let publication = null;
let isConnected = false;
let view = null; // what the events last told
let joined = 0; // counts joins, so that what belongs to an earlier one ends by itself

function say(state, text) {
  document.body.dataset.state = state;
  element("status").textContent = text;
  const inside = !["idle", "failed"].includes(state);
  element("join").hidden = inside;
  element("leave").hidden = !inside;
}

async function join() {
  const mine = ++joined;
  say("connecting", "Starting camera and microphone…");
  let stream;
  try {
    stream = await openCamera();
  } catch (error) {
    if (mine === joined) leave("failed", error.message);
    return;
  }
  if (mine !== joined) return stop(stream);
  for (const track of stream.getTracks()) track.addEventListener("ended", joinAnew);
  element("self").srcObject = stream;
  stayAwake();
  await otherPages.take(token, () => {
    publication?.abandon();
    leave("idle", "You have joined on another page instead.");
  });
  await publish(stream, mine);
}

/** Takes what camera and microphone are left when one of them is gone: pulled out, or blocked. */
function joinAnew() {
  stop(element("self").srcObject);
  publication?.abandon();
  isConnected = false;
  otherPages.close();
  join();
}

/** Publishes until the host leaves, again and again when the connection breaks. */
async function publish(stream, mine) {
  const endpoint = new URL(`whip/${encodeURIComponent(show)}`, location.href);
  const place = { endpoint, token, resumeSecret: await resumeSecret(token) };
  for (let attempt = 0; mine === joined; attempt++) {
    say("connecting", attempt ? broken() : "Connecting…");
    publication = new Publication(place, stream);
    let wait = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
    try {
      await publication.connect();
      if (mine !== joined) return;
      isConnected = true;
      if (view?.feed) follow();
      else tell();
      events.open();
      const since = performance.now();
      const putOut = await publication.ended();
      // One that is put out again and again must not come back at full speed.
      if (!putOut || performance.now() - since > STEADY_MS) attempt = wait = 0;
    } catch (error) {
      if (error instanceof Refused) {
        if (error.final) {
          if (mine === joined) leave("failed", refusal(error));
          return;
        }
        wait = Math.max(wait, error.retryAfterMs);
        if (mine === joined) say("connecting", `${sentence(error.message)} Trying again…`);
      } else {
        wait = NO_PATH_MS;
      }
    }
    if (mine !== joined) return;
    isConnected = false;
    publication.abandon();
    if (wait) await pause(wait);
  }
}

/** Takes what the feed's events tell. */
function hear(told) {
  view = told;
  if (!publication || !isConnected || !view.feed) return;
  if (!view.feed.contender) publication.isContender = false;
  follow();
}

function follow() {
  publication.want(publication.isContender ? null : view.feed.wanted);
  tell();
}

/** Says how it stands with a host who is connected. */
function tell() {
  say(...standing(publication.isContender, view?.status, view?.feed));
}

function standing(isContender, status, feed) {
  if (isContender) {
    return [
      "contender",
      "You are waiting: this invitation is in use on another device. The studio can let you take over.",
    ];
  }
  if (!feed) return ["connected", "You are connected: the studio sees and hears you."];
  if (!feed.admitted) {
    return ["waiting", "You are in the green room: the studio sees you. Wait to be let in."];
  }
  const muted = feed.muted ? " Your microphone is muted by the studio." : "";
  if (status !== "on_air") {
    return ["connected", `You are connected and let in. The show is not on air yet.${muted}`];
  }
  if (feed.wanted === null) {
    const heard = feed.muted ? muted : " You can be heard.";
    return ["connected", `The show is on air. You are not in the picture.${heard}`];
  }
  return ["onair", `You are on air.${muted}`];
}

const broken = () =>
  navigator.onLine ? "The connection broke. Joining again…" : "There is no network. Waiting for it…";

function refusal(error) {
  if ([401, 403, 404].includes(error.status)) {
    return "This invitation is not valid any more. Ask the studio for a new link.";
  }
  return sentence(error.message);
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function leave(state, text) {
  joined++;
  isConnected = false;
  view = null;
  otherPages.close();
  events.close();
  mayDoze();
  publication?.leave();
  publication = null;
  stop(element("self").srcObject);
  element("self").srcObject = null;
  say(state, text);
}

if (show && token) {
  element("join").addEventListener("click", join);
  element("leave").addEventListener("click", () => leave("idle", "You have left the show."));
  addEventListener("pagehide", () => publication?.leave());
} else {
  element("join").disabled = true;
  say("failed", "This link is not complete. Open the invitation as it was sent to you.");
}
