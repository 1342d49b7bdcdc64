// Boxes, points and heatmaps are drawn over the picture, in its own pixels.
const [BOX, POINT, WEAK, LIT] = ["#39c2ff", "#ffe14d", "#ff5c5c", "#ffffff"]; // the first three as the service draws

/** Draw the box that is being drawn by hand. */
export function drawBox(pen, zoom, [x0, y0, x1, y1]) {
  [pen.strokeStyle, pen.lineWidth] = [LIT, 2 / zoom];
  pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
}

/** Draw all faces: the chosen one's box thicker, its lit point larger; what the service drew stays. */
export function drawFaces(pen, zoom, faces, face, lit, isDrawn) {
  faces.forEach(({ box: [x0, y0, x1, y1], points, trusted }, number) => {
    const radius = Math.min(5, Math.max(1.2, (zoom * (x1 - x0)) / 45)) / zoom;
    pen.lineWidth = (number === face ? 3 : 1.5) / zoom;
    pen.setLineDash(trusted ? [] : [8 / zoom, 6 / zoom]);
    pen.strokeStyle = BOX;
    if (!isDrawn || number === face) pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
    pen.setLineDash([]);
    for (const { name, x, y, score } of points) {
      const isLit = number === face && name === lit;
      if (isDrawn && !isLit) continue;
      pen.fillStyle = score >= 0.5 ? POINT : WEAK;
      pen.strokeStyle = isLit ? LIT : "#000";
      pen.lineWidth = (isLit ? 4 : 0.8) / zoom;
      pen.beginPath();
      pen.arc(x + 0.5, y + 0.5, (isLit ? 1.6 : 1) * radius, 0, 2 * Math.PI); // a pixel's centre is at whole numbers
      pen.stroke();
      pen.fill();
    }
  });
}

/** Paint the highest of a face's heatmaps, each on a scale of its own peak, where its crop lies. */
export function drawHeat(pen, { heatmaps, crops }, number, factors) {
  const [, points, high, wide] = heatmaps.shape;
  const heights = new Float32Array(high * wide);
  for (let k = 0; k < points; k++) {
    const map = heatmaps.data.subarray((number * points + k) * high * wide).subarray(0, high * wide);
    const peak = map.reduce((most, value) => Math.max(most, value), 1e-9);
    map.forEach((value, i) => (heights[i] = Math.max(heights[i], value / peak)));
  }
  const canvas = Object.assign(document.createElement("canvas"), { width: wide, height: high });
  const pixels = new ImageData(wide, high);
  heights.forEach((value, i) => pixels.data.set([255, 255 * value * value, 40, 220 * Math.max(0, value - 0.1)], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  const [a, b, tx, c, d, ty] = crops.data.subarray(6 * number, 6 * number + 6); // from the picture to the crop
  const turned = new DOMMatrix([a, c, b, d, tx + 0.5 - (a + b) / 2, ty + 0.5 - (c + d) / 2]).inverse();
  pen.save();
  pen.scale(...factors); // from what was sent of the picture
  pen.transform(turned.a, turned.b, turned.c, turned.d, turned.e, turned.f);
  pen.drawImage(canvas, 0, 0);
  pen.restore();
}

/** Find the face's number and the name of the point nearest to a place of the picture, nearer than `least`. */
export function findNearest(faces, atX, atY, least) {
  let best = null;
  faces.forEach(({ points }, number) =>
    points.forEach(({ name, x, y }) => {
      const far = Math.hypot(x + 0.5 - atX, y + 0.5 - atY);
      if (far < least) [best, least] = [[number, name], far];
    }),
  );
  return best;
}
