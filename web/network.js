// Tells when the way to the server may have changed: from Wi-Fi to mobile, or back after nothing.

export const network = new EventTarget();

const changed = () => network.dispatchEvent(new Event("change"));
addEventListener("online", changed);
addEventListener("offline", changed);

let kind = navigator.connection?.type;
navigator.connection?.addEventListener?.("change", () => {
  // Chromium tells of each new estimate of the speed too.
  if (navigator.connection.type !== kind) changed();
  kind = navigator.connection.type;
});

/** Resolves after `ms`, or at once when the network changes. */
export function pause(ms) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      network.removeEventListener("change", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    network.addEventListener("change", end);
  });
}
