// The picture that is sent, at the size of the largest tile it fills.

const SMALLER_AFTER_MS = 2000;

/** Of a picture that no canvas shows: for the green room, and for the first moment on air. */
const UNSHOWN = { width: 640, height: 360, max_bitrate_bps: 1_000_000 };

/** Makes `sender` send what is wanted of `track`: larger at once, smaller once that has lasted. */
export class PictureSize {
  #sender;
  #track;
  #sent = null;
  #goal = null;
  #timer = 0;
  #setting = Promise.resolve();

  constructor(sender, track) {
    this.#sender = sender;
    this.#track = track;
  }

  /** Takes `wanted` as the feed's events have it; null when nobody shows the picture. */
  want(wanted) {
    const goal = wanted ?? UNSHOWN;
    if (same(goal, this.#goal)) return;
    this.#goal = goal;
    clearTimeout(this.#timer);
    const sent = this.#sent;
    if (!sent || goal.width > sent.width || goal.height > sent.height) this.#send(goal);
    else this.#timer = setTimeout(() => this.#send(goal), SMALLER_AFTER_MS);
  }

  close() {
    clearTimeout(this.#timer);
  }

  #send(size) {
    this.#sent = size;
    this.#setting = this.#setting.then(() => this.#set(size)).catch(() => {}); // closed meanwhile
  }

  #set(size) {
    const parameters = this.#sender.getParameters();
    const [encoding] = parameters.encodings;
    encoding.maxBitrate = size.max_bitrate_bps;
    encoding.scaleResolutionDownTo = { maxWidth: size.width, maxHeight: size.height };
    encoding.scaleResolutionDownBy = this.#factor(size); // for browsers that know no other
    return this.#sender.setParameters(parameters);
  }

  /** By how much the camera's picture is larger than `size`, whichever way it is held. */
  #factor(size) {
    const { width = 0, height = 0 } = this.#track.getSettings();
    const long = Math.max(width, height) / Math.max(size.width, size.height);
    const short = Math.min(width, height) / Math.min(size.width, size.height);
    return Math.max(1, Math.min(long, short));
  }
}

function same(one, other) {
  return one.width === other?.width && one.height === other.height;
}
