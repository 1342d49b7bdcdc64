// The service is asked, and its answer read; requests and answers of raw tensors.
export const JSON_LENGTH = "inference-header-content-length";
const SECONDS = 40; // that an answer may take
const TRIES = 4; // of one request, where the service says when to come back
const PIXELS = { fast: 640 * 640, default: 1280 * 1280 }; // of a level's finest look; docs/api.md
const round = (value, digits) => Number(value.toFixed(digits));

/** Ask the service, again where it says when; throws an Error with a sentence. */
export async function ask(url, request = {}, tell = () => {}) {
  for (let tried = 1; ; tried++) {
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(1000 * SECONDS) }).catch((error) => {
      const late = error.name === "TimeoutError";
      throw new Error(late ? `No answer came within ${SECONDS} seconds.` : "The service cannot be reached.");
    });
    if (answer.ok) return answer;
    const wait = answer.headers.get("retry-after");
    const said = await answer.json().catch(() => ({}));
    const sentence = said.error ?? `Something on the way answered ${answer.status} ${answer.statusText}.`;
    if (wait === null || tried === TRIES) throw new Error(sentence);
    tell(`${sentence} Trying again …`);
    await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(10, Number(wait) || 1)));
  }
}

/** Shrink a photograph to the pixels that a level of `detect` looks at; the file itself where that saves nothing. */
export async function shrinkPicture(file, detect) {
  const read = file.type === "image/jpeg" && PIXELS[detect] ? await createImageBitmap(file).catch(() => null) : null;
  const ratio = read ? Math.sqrt((read.width * read.height) / PIXELS[detect]) : 1;
  if (ratio <= 1) return sendWhole(file);
  const [width, height] = [read.width, read.height].map((side) => Math.round(side / ratio));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = Object.assign(canvas.getContext("2d"), { imageSmoothingQuality: "high" });
  pen.drawImage(read, 0, 0, width, height);
  const picture = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
  if (picture.size >= file.size) return sendWhole(file);
  const said = `, sent at ${width}x${height}: ${(picture.size / 1e6).toFixed(1)} of ${(file.size / 1e6).toFixed(1)} MB`;
  return { picture, said, factors: [read.width / width, read.height / height] };
}

/** What is sent of a file: all of it; `factors` bring points, across and down, to pixels of the file. */
export const sendWhole = (file) => ({ picture: file, said: "", factors: [1, 1] });

/** Read an answer's faces as the client writes them. */
export function readFaces({ outputs }, { names, low }, factors) {
  const data = Object.fromEntries(outputs.map((output) => [output.name, output.data]));
  if (factors.some((by) => by !== 1)) {
    data.landmarks = data.landmarks.map((at, i) => (at + 0.5) * factors[i % 2] - 0.5);
    data.boxes = data.boxes.map((at, i) => at * factors[i % 2]);
  }
  const points = outputs.find(({ name }) => name === "landmarks").shape[1];
  return data.box_scores.map((box_score, i) => ({
    box: data.boxes.slice(4 * i, 4 * i + 4).map((value) => round(value, 2)),
    box_score: round(box_score, 3),
    points: Array.from({ length: points }, (_, k) => i * points + k).map((at, k) => ({
      name: names[k] ?? `point_${k}`,
      x: round(data.landmarks[2 * at], 2),
      y: round(data.landmarks[2 * at + 1], 2),
      score: round(data.scores[at], 3),
    })),
    face_score: round(data.face_scores[i], 3),
    trusted: data.face_scores[i] >= low,
  }));
}

/** Write a request about a picture, in boxes if there are any, as body and headers. */
export function writeRequest(picture, boxes, parameters, names = []) {
  const tensors = [["image", "BYTES", [1], 4 + picture.size]];
  if (boxes) tensors.push(["boxes", "FP32", [boxes.length, 4], 16 * boxes.length]);
  const inputs = tensors.map(([name, datatype, shape, size]) => ({ name, datatype, shape, parameters: { binary_data_size: size } }));
  const outputs = names.map((name) => ({ name, parameters: { binary_data: true } }));
  const head = new TextEncoder().encode(JSON.stringify({ inputs, outputs, parameters }));
  const body = new Blob([head, new Uint32Array([picture.size]), picture, new Float32Array((boxes ?? []).flat())]);
  return [body, { "content-type": "application/octet-stream", [JSON_LENGTH]: `${head.length}` }];
}

/** Read an answer's outputs by name, each {shape, data}. */
export async function readTensors(answer) {
  const [bytes, size] = [await answer.arrayBuffer(), Number(answer.headers.get(JSON_LENGTH))];
  const found = {};
  let start = size;
  for (const { name, shape, datatype, parameters } of JSON.parse(new TextDecoder().decode(bytes.slice(0, size))).outputs) {
    const values = bytes.slice(start, (start += parameters.binary_data_size));
    found[name] = { shape, data: datatype === "UINT8" ? new Uint8Array(values) : new Float32Array(values) };
  }
  return found;
}
