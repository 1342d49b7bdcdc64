// What stands beside the picture: points as rows, what is measured of a face beyond them, and the same question for a terminal.
const PLAIN = ["sharpness", "brightness", "eye_distance", "inside"];
export const MEASURED = ["aligned", "pose", ...PLAIN]; // outputs
const quote = (name) => (/^[\w./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);

/** Write the curl that asks the same. */
export const writeCurl = (name, type, url) => `curl --data-binary ${quote(name).replace(/^'?/, "$&@")} \\\n  -H 'Content-Type: ${type}' \\\n  '${url}'`;

/** Write the command of the client that asks about these boxes. */
export function writeCommand(name, boxes) {
  const given = boxes.map((box) => `--box=${box.map((value) => Number(value.toFixed(1)))}`).join(" ");
  return `landmarks ${quote(name)} --url ${new URL(".", document.baseURI)} \\\n  ${given}`;
}

/** Make the row of a point; the first one is the table's stop of the tab key. */
export function makeRow({ name, x, y, score }, number, light) {
  const row = document.createElement("tr");
  for (const text of [name.replaceAll("_", " "), x.toFixed(1), y.toFixed(1), score.toFixed(2)]) row.insertCell().textContent = text;
  row.lastChild.classList.toggle("bad", score < 0.5);
  [row.dataset.point, row.tabIndex] = [name, number ? -1 : 0];
  row.addEventListener("focus", light);
  row.addEventListener("pointerenter", light);
  return row;
}

/** Show a point's name and score above its face's box, where they cover no point; nothing without a point. */
export function showTip(tip, point, box, seen) {
  tip.hidden = !point;
  if (!point) return;
  tip.textContent = `${point.name.replaceAll("_", " ")} ${point.score.toFixed(2)}`;
  const [x0, y0, x1] = box;
  [tip.style.left, tip.style.top] = [`${(seen * (x0 + x1)) / 2}px`, `${Math.max(0, seen * y0)}px`];
}

/** Paint the aligned crop of one of the faces. */
export function paintAligned(canvas, { shape: [, side], data }, face) {
  [canvas.width, canvas.height] = [side, side];
  const [pixels, start] = [new ImageData(side, side), side * side * face];
  for (let i = 0; i < side * side; i++) pixels.data.set([...data.subarray(3 * (start + i), 3 * (start + i + 1)), 255], 4 * i);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** Write one of the faces' numbers as a sentence. */
export function writeMeasured(outputs, face, factor) {
  const lengths = { eye_distance: factor }; // in pixels of what was sent of the picture
  const pose = ["yaw", "pitch", "roll"].map((name, i) => `${name} ${outputs.pose.data[3 * face + i].toFixed(0)}°`);
  const plain = PLAIN.map((name) => `${name.replaceAll("_", " ")} ${Number((outputs[name].data[face] * (lengths[name] ?? 1)).toFixed(2))}`);
  return [...pose, ...plain].join(", ");
}
