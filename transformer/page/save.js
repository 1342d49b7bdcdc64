// What is taken away: the drawn picture, the faces as JSON, the request as a command.
import { drawHeatmaps } from "./heat.js";
import { chooseRadius } from "./stage.js";
import { findInfer, findType } from "./ask.js";

const [BOX, POINT, WEAK] = ["#39c2ff", "#ffe14d", "#ff5c5c"]; // as the client draws them
const LARGEST_SIDE = 4096; // pixels of a drawn picture

/** Write the request that was sent for a file as a command for a shell. */
export function writeCurl(model, file) {
  const quoted = `'@${file.name.replaceAll("'", "'\\''")}'`;
  const data = /^[\w./-]+$/.test(file.name) ? `@${file.name}` : quoted;
  return `curl --data-binary ${data} \\\n     -H 'Content-Type: ${findType(file)}' \\\n     ${findInfer(model.name)}`;
}

/** The faces of a picture as the client's package writes them. */
export const describe = (item) => ({ picture: item.file.name, faces: item.faces });

/** Draw the picture as it is seen, in its own size. */
export function drawPicture(bitmap, faces, least, heat) {
  const scale = Math.min(1, LARGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(scale * bitmap.width), Math.round(scale * bitmap.height)];
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.drawImage(bitmap, 0, 0);
  if (heat) drawHeatmaps(pen, heat, faces, least, null);
  for (const { box, points } of faces) {
    const width = box[2] - box[0];
    const radius = chooseRadius(scale * width) / scale;
    pen.lineWidth = 2 / scale;
    pen.strokeStyle = BOX;
    pen.strokeRect(box[0], box[1], width, box[3] - box[1]);
    pen.lineWidth = 1 / scale;
    pen.strokeStyle = "#000";
    for (const point of points.filter(({ score }) => score >= least)) {
      pen.fillStyle = point.score >= 0.5 ? POINT : WEAK;
      pen.beginPath();
      pen.arc(point.x + 0.5, point.y + 0.5, radius, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
    }
  }
  return canvas;
}

/** Hand a file to the browser's downloads. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A name for what is made of a file: photo-landmarks.png. */
export const nameAfter = (file, suffix) => `${file.name.replace(/\.[^.]*$/, "")}-landmarks.${suffix}`;
