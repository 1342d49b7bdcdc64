// Heatmaps as the network drew them, laid over the faces that they are of.

const RAMP = [ // red, green, blue and opacity, from nothing to a peak
  [60, 20, 140, 0],
  [150, 30, 140, 0.45],
  [240, 90, 50, 0.7],
  [255, 225, 110, 0.85],
];

const FLOOR = 0.1; // of a peak, below which nothing is painted

/** Draw onto a pen whose units are pixels of the picture, of the lit point alone where one is. */
export function drawHeatmaps(pen, { heatmaps, crops }, faces, least, lit) {
  const [, count, side] = heatmaps.shape;
  faces.forEach((face, number) => {
    const only = lit?.face === number ? lit.point : null;
    const wanted = face.points.map((point) => (only ? point.name === only : point.score >= least));
    const image = paint(heatmaps.data.subarray(number * count * side ** 2), wanted, side);
    pen.save();
    placeCrop(pen, crops.data.subarray(6 * number, 6 * number + 6));
    pen.drawImage(image, 0, 0);
    pen.restore();
  });
}

/** Paint the highest of the wanted points' heatmaps, each on a scale of its own peak. */
function paint(values, wanted, side) {
  const heights = new Float32Array(side * side);
  wanted.forEach((isWanted, point) => {
    if (!isWanted) return;
    const map = values.subarray(point * side * side, (point + 1) * side * side);
    const peak = map.reduce((most, value) => Math.max(most, value), 1e-9);
    map.forEach((value, i) => (heights[i] = Math.max(heights[i], value / peak)));
  });
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const pixels = new ImageData(side, side);
  heights.forEach((height, i) => pixels.data.set(colour(height), 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

function colour(height) {
  const at = Math.max(0, (height - FLOOR) / (1 - FLOOR)) ** 0.7 * (RAMP.length - 1);
  const low = Math.min(RAMP.length - 2, Math.floor(at));
  const mixed = RAMP[low].map((value, i) => value + (at - low) * (RAMP[low + 1][i] - value));
  mixed[3] *= 255;
  return mixed;
}

/** Move the pen from pixels of the picture to those of a crop, the inverse of its affine. */
function placeCrop(pen, [a, b, tx, c, d, ty]) {
  const det = a * d - b * c;
  const [ia, ib, ic, id] = [d / det, -b / det, -c / det, a / det];
  // Whole numbers are the centres of pixels there, but corners here: hence the halves.
  const [x, y] = [tx + 0.5, ty + 0.5];
  pen.transform(ia, ic, ib, id, 0.5 - ia * x - ib * y, 0.5 - ic * x - id * y);
}
