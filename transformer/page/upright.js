// A picture's pixels, turned upright as its EXIF says: as the service sees it.
// Browsers do that for JPEG and PNG, but Chromium doesn't for WebP.

const ORIENTATION = 0x0112;
const TURNS = { // of the canvas, by the orientation: its matrix with [of width, of height] for the shift
  2: [-1, 0, 0, 1, [1, 0], [0, 0]],
  3: [-1, 0, 0, -1, [1, 0], [0, 1]],
  4: [1, 0, 0, -1, [0, 0], [0, 1]],
  5: [0, 1, 1, 0, [0, 0], [0, 0]],
  6: [0, 1, -1, 0, [0, 1], [0, 0]],
  7: [0, -1, -1, 0, [0, 1], [1, 0]],
  8: [0, -1, 1, 0, [0, 0], [1, 0]],
};

/** Read a picture; null where the browser can't. */
export async function readUpright(file) {
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const webp = readWebp(new DataView(await file.arrayBuffer()));
    const done = webp.orientation > 4 && bitmap.width !== webp.width; // the browser turned it
    return webp.orientation in TURNS && !done ? await turn(bitmap, webp.orientation) : bitmap;
  } catch {
    return null;
  }
}

async function turn(bitmap, orientation) {
  const { width, height } = bitmap;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = orientation > 4 ? [height, width] : [width, height];
  const pen = canvas.getContext("2d");
  const [a, b, c, d, ...shifts] = TURNS[orientation];
  pen.setTransform(a, b, c, d, ...shifts.map(([w, h]) => w * width + h * height));
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  return createImageBitmap(canvas);
}

const readText = (view, at) => String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));

/** Read a WebP's stored width and its orientation; of another file, neither. */
function readWebp(view) {
  const found = { width: 0, orientation: 1 };
  if (view.byteLength < 30 || readText(view, 0) !== "RIFF" || readText(view, 8) !== "WEBP") return found;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const [kind, size] = [readText(view, at), view.getUint32(at + 4, true)];
    if (kind === "VP8X") found.width = 1 + (view.getUint32(at + 12, true) & 0xffffff);
    if (kind === "EXIF") {
      const end = Math.min(view.byteLength, at + 8 + size);
      found.orientation = readExif(new DataView(view.buffer, at + 8, end - at - 8));
      break;
    }
    at += 8 + size + (size % 2);
  }
  return found;
}

function readExif(view) {
  try {
    const start = readText(view, 0) === "Exif" ? 6 : 0;
    const little = readText(view, start).startsWith("II");
    const directory = start + view.getUint32(start + 4, little);
    const count = view.getUint16(directory, little);
    for (let at = directory + 2; at < directory + 2 + 12 * count; at += 12)
      if (view.getUint16(at, little) === ORIENTATION) return view.getUint16(at + 8, little);
  } catch {
    // cut off: no word about it
  }
  return 1;
}
