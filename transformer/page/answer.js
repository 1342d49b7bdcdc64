// A V2 answer to faces with named points; timings; what is saved as JSON.

const round = (value, digits) => Number(value.toFixed(digits));

/** The values of an answer's output in rows of so many. */
function readRows(content, name, width) {
  const data = content.outputs.find((output) => output.name === name)?.data ?? [];
  const rows = [];
  for (let start = 0; start < data.length; start += width) rows.push(data.slice(start, start + width));
  return rows;
}

/** The faces of a picture, as the client's package writes them. */
export function readFaces(content, names) {
  const count = content.outputs.find((output) => output.name === "landmarks").shape[1];
  const landmarks = readRows(content, "landmarks", 2 * count);
  const scores = readRows(content, "scores", count);
  const boxes = readRows(content, "boxes", 4);
  const boxScores = readRows(content, "box_scores", 1);
  const trusts = readRows(content, "face_scores", 1);
  return boxes.map((box, face) => ({
    box: box.map((value) => round(value, 2)),
    box_score: round(boxScores[face][0], 3),
    points: scores[face].map((score, i) => ({
      name: names?.length === count ? names[i] : `point_${i}`,
      x: round(landmarks[face][2 * i], 2),
      y: round(landmarks[face][2 * i + 1], 2),
      score: round(score, 3),
    })),
    face_score: round(trusts[face][0], 3),
    trusted: trusts[face][0] >= 0.7,
  }));
}

/** The stages of a Server-Timing header, in milliseconds. */
export function readTimings(text) {
  const found = text.matchAll(/([a-z]+);dur=([0-9.]+)/g);
  return Object.fromEntries([...found].map(([, stage, value]) => [stage, Number(value)]));
}

/** The raw FP32 outputs behind an answer's JSON, each with its shape. */
export function readBinary(buffer, size) {
  const content = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 0, size)));
  const arrays = {};
  let start = size;
  for (const { name, shape, parameters } of content.outputs) {
    const end = start + parameters.binary_data_size;
    arrays[name] = { shape, data: new Float32Array(buffer.slice(start, end)) };
    start = end;
  }
  return arrays;
}

/** Left eye center, of left_eye_center. */
export function spell(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "1 face", "2 faces", "no faces". */
export function count(number, word) {
  return `${number || "no"} ${word}${number === 1 ? "" : "s"}`;
}
