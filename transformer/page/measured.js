// What is measured of a face beyond its points, and the face aligned.
const PLAIN = ["sharpness", "brightness", "eye_distance", "inside"];
export const MEASURED = ["aligned", "pose", ...PLAIN]; // outputs

/** Paint the aligned crop of one of the faces. */
export function paintAligned(canvas, { shape: [, side], data }, face) {
  [canvas.width, canvas.height] = [side, side];
  const [pixels, start] = [new ImageData(side, side), side * side * face];
  for (let i = 0; i < side * side; i++) pixels.data.set([...data.subarray(3 * (start + i), 3 * (start + i + 1)), 255], 4 * i);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** Write one of the faces' numbers as a sentence. */
export function writeMeasured(outputs, face) {
  const pose = ["yaw", "pitch", "roll"].map((name, i) => `${name} ${outputs.pose.data[3 * face + i].toFixed(0)}°`);
  const plain = PLAIN.map((name) => `${name.replaceAll("_", " ")} ${Number(outputs[name].data[face].toFixed(2))}`);
  return [...pose, ...plain].join(", ");
}
