// A picture from the camera: seen first where the browser may show it, else by the phone's own app.

/** Ask for a picture; `taken` gets it as a file. */
export async function openCamera(taken) {
  const [dialog, video, error] = ["camera", "video", "camera-error"].map((id) => document.getElementById(id));
  if (!navigator.mediaDevices?.getUserMedia) { // no address with TLS: no camera in the page
    document.getElementById("shot").click();
    return;
  }
  error.textContent = "";
  dialog.showModal();
  let stream = null;
  const shoot = () => {
    if (!video.videoWidth) return;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => taken(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.92);
    dialog.close();
  };
  const click = ({ target }) => {
    if (target.dataset.do === "shoot") shoot();
    if (target.dataset.do === "close") dialog.close();
  };
  dialog.addEventListener("click", click);
  dialog.addEventListener(
    "close",
    () => {
      dialog.removeEventListener("click", click);
      stream?.getTracks().forEach((track) => track.stop());
      video.srcObject = null;
    },
    { once: true },
  );
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 } } });
    if (dialog.open) video.srcObject = stream;
    else stream.getTracks().forEach((track) => track.stop());
  } catch (problem) {
    error.textContent = `The browser gives no camera (${problem.name}). Choose a picture instead.`;
  }
}
