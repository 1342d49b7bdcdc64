// Faces live from the camera, or one picture of it.
import { follow } from "./stream.js";

/** Open the camera and follow the faces in it until its dialog closes; throws where there is none. */
export async function openCamera({ dialog, video, live }, model) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 } } });
  video.srcObject = stream;
  const end = follow(video, live, model);
  dialog.addEventListener("close", end, { once: true });
  dialog.addEventListener("close", () => stream.getTracks().forEach((track) => track.stop()), { once: true });
  dialog.showModal();
}

/** Have the dialog's buttons show a picture of the camera, or close it. */
export function handleCamera({ dialog, video, shoot, close }, show) {
  shoot.addEventListener("click", () => {
    if (!video.videoWidth) return;
    const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => show(new File([blob], "camera.jpg", { type: blob.type })), "image/jpeg", 0.92);
    dialog.close();
  });
  close.addEventListener("click", () => dialog.close());
}
