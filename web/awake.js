// Keeps the screen on: a phone that locks itself takes its camera away.

let wanted = false;
let lock = null;

export function stayAwake() {
  wanted = true;
  ask();
}

export function mayDoze() {
  wanted = false;
  lock?.release();
  lock = null;
}

// Browsers let go of it whenever the page is out of sight.
document.addEventListener("visibilitychange", ask);

async function ask() {
  if (!wanted || document.visibilityState !== "visible") return;
  try {
    lock = await navigator.wakeLock?.request("screen");
    if (!wanted) mayDoze();
  } catch {
    // a battery that is low: the screen may go off
  }
}
