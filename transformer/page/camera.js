// Faces live from the camera, whose frames go over a WebSocket and points come back with them, or one picture of it.
const SEARCH = 1000; // milliseconds between two looks for new faces
const WIDE = 640; // pixels of a frame
const WAIT = 500; // milliseconds after an error

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

/** Show the points of a video's faces on a canvas over it; returns what ends that. */
function follow(video, canvas, model) {
  const socket = new WebSocket(`${model.replace(/^http/, "ws")}/stream`);
  const frame = document.createElement("canvas");
  let previous = null; // the output `landmarks` of the frame before
  let [searched, frames] = [0, 0];

  async function send() {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (!video.videoWidth) return void setTimeout(send, WAIT / 10);
    const scale = Math.min(1, WIDE / video.videoWidth);
    [frame.width, frame.height] = [video.videoWidth, video.videoHeight].map((side) => Math.round(side * scale));
    frame.getContext("2d").drawImage(video, 0, 0, frame.width, frame.height);
    const picture = await new Promise((resolve) => frame.toBlob(resolve, "image/jpeg", 0.85));
    const tensors = [["image", "BYTES", [1], 4 + picture.size]];
    if (previous) tensors.push(["previous", "FP32", previous.shape, 4 * previous.data.length]);
    const now = performance.now();
    const search = now - searched > SEARCH;
    if (search) searched = now;
    const inputs = tensors.map(([name, datatype, shape, size]) => ({ name, datatype, shape, parameters: { binary_data_size: size } }));
    const outputs = ["landmarks", "scores"].map((name) => ({ name }));
    const head = new TextEncoder().encode(JSON.stringify({ inputs, outputs, parameters: { search } }));
    const points = new Float32Array(previous?.data ?? []);
    socket.send(new Blob([new Uint32Array([head.length]), head, new Uint32Array([picture.size]), picture, points]));
  }

  function show({ shape, data }, scores) {
    [canvas.width, canvas.height, canvas.dataset.frames] = [frame.width, frame.height, ++frames];
    const pen = canvas.getContext("2d");
    for (let at = 0; at < shape[0] * shape[1]; at++) {
      pen.fillStyle = scores[at] >= 0.5 ? "#ffe14d" : "#ff5c5c";
      pen.beginPath();
      pen.arc(data[2 * at] + 0.5, data[2 * at + 1] + 0.5, 2.5, 0, 2 * Math.PI);
      pen.fill();
    }
  }

  socket.addEventListener("open", send);
  socket.addEventListener("message", ({ data }) => {
    const { outputs } = JSON.parse(data);
    previous = outputs?.find(({ name }) => name === "landmarks") ?? null;
    if (!previous) return void setTimeout(send, WAIT);
    show(previous, outputs.find(({ name }) => name === "scores").data);
    requestAnimationFrame(send);
  });
  return () => socket.close();
}
