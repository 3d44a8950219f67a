// Camera and microphone.

const CAMERA = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: {
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30 },
    facingMode: "user",
  },
};
const TROUBLE = {
  NotAllowedError: "Camera or microphone is blocked. Allow both in the browser, then join again.",
  NotFoundError: "No camera or microphone was found. Plug one in, then join again.",
  NotReadableError: "Another program is using the camera. Close it, then join again.",
  OverconstrainedError: "This camera cannot be used. Choose another one, then join again.",
};

/** Both, as a MediaStream. Rejects with an Error that says in words what to do. */
export async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("The browser gives its camera to secure pages only: open the https address.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia(CAMERA);
  } catch (error) {
    throw new Error(TROUBLE[error.name] ?? `The camera did not start: ${error.message}`);
  }
}

export function stop(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}
