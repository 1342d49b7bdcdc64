// A picture goes to the service; its faces come back and are drawn.
import { handleCamera, openCamera } from "./camera.js";
import { drawBox, drawFaces, drawHeat, findNearest } from "./draw.js";
import { MEASURED, makeRow, paintAligned, showTip, writeCommand, writeCurl, writeMeasured } from "./panel.js";
import { ask as askService, JSON_LENGTH, readFaces, readTensors, sendWhole, shrinkPicture, writeRequest } from "./service.js";

const NEAR = 15; // pixels of the screen from a point to the pointer that means it
const LEAST = 12; // pixels of the screen that a side of a box drawn here has
const LARGEST = 2048; // pixels of a drawn side
const LOW = 0.7; // the face_score below which points can't be trusted, of a model that publishes none
const find = (id) => document.getElementById(id);
const count = (number, word) => `${number || "no"} ${word}${number === 1 ? "" : "s"}`;
const ask = (url, request) => askService(url, request, (said) => (find("summary").textContent = said));
const complain = (sentence) => ([find("error").hidden, find("error").textContent] = [false, sentence]);
const findModel = () => new URL(`v2/models/${encodeURIComponent(find("model").value)}`, document.baseURI).href;
const findType = (file) => (file.type.startsWith("image/") ? file.type : "image/jpeg"); // the service looks itself

let file = null; // the picture that is seen, with everything below
let sent = null; // of the file: {picture, said, factors}
let bitmap = null;
let scale = 0; // pixels of the bitmap for one of the picture; 0: not known
let isDrawn = false; // by the service
let faces = [];
let own = null; // boxes that were drawn here, instead of a search
let drag = null; // the box that is being drawn
let heat = null; // {heatmaps, crops}
let more = null; // {aligned, pose, ...}
let [face, lit] = [0, null]; // the chosen face, and the name of its point under the pointer or the focus
let known = {}; // the landmark set by its digest: {names, low}

const findLevel = () => find("detect").value || (find("small").checked ? "default" : ""); // what is sent depends on it
const listChoices = () => [["detect", findLevel()], ["max_faces", find("max_faces").value]].filter(([, value]) => value);
const findInfer = () => `${findModel()}/infer?${new URLSearchParams(listChoices())}`.replace(/\?$/, "");
const infer = (body, headers) => // a V2 body has its own choices
  ask(JSON_LENGTH in headers ? `${findModel()}/infer` : findInfer(), { method: "POST", body, headers });

const makeRequest = (names) => writeRequest(sent.picture, own, Object.fromEntries(own ? [] : listChoices()), names); // choices are of a search
const askRaw = async (names) => readTensors(await infer(...makeRequest(names)));

async function learnModels() {
  const { models } = await (await ask("v2/models")).json();
  find("model").replaceChildren(...models.map((name) => new Option(name)));
  find("model").parentElement.hidden = models.length < 2;
  await learnSet("");
}

/** The names of a model's points, and how far a face must be trusted, as its configuration says. */
async function learnSet(digest) {
  const { parameters = {} } = await (await ask(`${findModel()}/config`)).json();
  const names = JSON.parse(parameters.points?.string_value ?? "[]");
  known = { [digest]: { names, low: Number(parameters.low?.string_value ?? LOW) } };
  const maps = JSON.parse(parameters.maps?.string_value ?? "null");
  find("heat").parentElement.hidden = maps?.[0] === 0; // a network of coordinates
  if (maps?.[0] === 0) find("heat").checked = false;
  find("about").textContent = `Model ${find("model").value}, ${count(names.length, "point")} per face`;
  return known[digest];
}

/** Read a picture as the service sees it: what the browser can't read or turn, the service draws. */
async function readPicture() {
  const read = await createImageBitmap(file).catch(() => null);
  if (read && file.type !== "image/webp") return [read, 1, false]; // Chromium doesn't turn WebP by its EXIF
  const [body, headers] = own ? makeRequest() : [file, { "content-type": findType(file) }];
  const drawn = await infer(body, { ...headers, accept: "image/jpeg" });
  const seen = await createImageBitmap(await drawn.blob());
  const side = read && Math.max(read.width, read.height);
  return [seen, read ? Math.max(seen.width, seen.height) / side : 0, true];
}

async function show(given, boxes = null) {
  if (!given) return;
  const mine = (file = given);
  [faces, face, lit, heat, more, own] = [[], 0, null, null, null, boxes];
  document.body.classList.remove("empty");
  for (const id of ["error", "panel", "tip"]) find(id).hidden = true;
  find("frame").classList.add("waiting");
  find("summary").textContent = `Asking the service about ${given.name} …`;
  const begun = performance.now();
  try {
    if (!find("model").value) await learnModels();
    const going = find("small").checked && !own ? await shrinkPicture(given, findLevel()) : sendWhole(given);
    if (mine !== file) return;
    sent = going;
    const [body, headers] = own ? makeRequest() : [sent.picture, { "content-type": findType(sent.picture) }];
    const answer = await infer(body, { ...headers, accept: "application/json" });
    const [content, digest] = [await answer.json(), answer.headers.get("landmarks-set") ?? ""];
    const took = performance.now() - begun;
    const found = readFaces(content, known[digest] ?? (await learnSet(digest)), sent.factors);
    const picture = await readPicture();
    if (mine !== file) return;
    [faces, [bitmap, scale, isDrawn]] = [found, picture];
    const service = /total;dur=([0-9.]+)/.exec(answer.headers.get("server-timing"))?.[1];
    const times = `${took.toFixed(0)} ms${service ? `, ${Number(service).toFixed(0)} of them in the service` : ""}${sent.said}`;
    find("summary").textContent = `${count(faces.length, "face")} in ${given.name} (${times})`;
    showPanel();
    await Promise.all([showHeat(), showMore()]);
  } catch (error) {
    if (mine !== file) return;
    bitmap = null;
    complain(error.message);
    find("summary").textContent = `No answer for ${given.name}`;
  }
  find("frame").classList.remove("waiting");
  draw();
}

function draw() {
  find("frame").hidden = !bitmap;
  if (!bitmap) return;
  const [canvas, side] = [find("picture"), Math.max(bitmap.width, bitmap.height)];
  const size = Math.min(LARGEST, Math.max(side, Math.min(4 * side, 800))) / side;
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height].map((each) => Math.max(1, Math.round(size * each)));
  canvas.setAttribute("aria-label", `${file.name} with ${count(faces.length, "face")} and their points`);
  const pen = canvas.getContext("2d");
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const zoom = (canvas.dataset.zoom = size * scale);
  if (!zoom) return;
  pen.scale(zoom, zoom);
  if (drag) drawBox(pen, zoom, drag);
  if (heat) faces.forEach((_, number) => drawHeat(pen, heat, number, sent.factors));
  drawFaces(pen, zoom, faces, face, lit, isDrawn);
}

/** Ask for further outputs of the picture's faces, where their box is ticked, and hand them on: null for none. */
async function askFurther(id, names, take) {
  const mine = file;
  take(null);
  if (!find(id).checked || !faces.length) return;
  const found = await askRaw(names);
  if (mine === file && found[names[0]].shape[0] === faces.length) take(found);
}

const showHeat = () => askFurther("heat", ["heatmaps", "crops"], (found) => { heat = found; draw(); });
const showMore = () => askFurther("more", MEASURED, (found) => { more = found; describeFace(); }); // of the chosen face

/** Show the chosen face aligned, and what is measured of it. */
function describeFace() {
  find("also").hidden = !more;
  if (!more) return;
  paintAligned(find("aligned"), more.aligned, face);
  find("measured").textContent = writeMeasured(more, face, sent.factors[0]);
}

function showPanel() {
  const json = JSON.stringify({ picture: file.name, faces }, null, 1);
  find("curl").textContent = own ? writeCommand(file.name, own) : writeCurl(file.name, findType(file), findInfer());
  find("json").textContent = json;
  URL.revokeObjectURL(find("save").href);
  find("save").href = URL.createObjectURL(new Blob([json], { type: "application/json" }));
  find("save").download = `${file.name.replace(/\.[^.]*$/, "")}.json`;
  find("panel").hidden = false;
  find("found").hidden = !faces.length;
  find("faces").replaceChildren(
    ...faces.map((_, number) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: `Face ${number + 1}` });
      button.addEventListener("click", () => chooseFace(number));
      return button;
    }),
  );
  if (faces.length) chooseFace(0);
}

/** Show a face's points as a table: one stop of the tab key, in which arrows go from point to point. */
function chooseFace(number) {
  [face, lit] = [number, null];
  [...find("faces").children].forEach((button, i) => button.setAttribute("aria-pressed", i === number));
  const { box_score, face_score, trusted, points } = faces[number];
  find("trust").textContent = `face_score ${face_score}${trusted ? "" : ": its points can't be trusted"}, box_score ${box_score}`;
  find("trust").classList.toggle("bad", !trusted);
  describeFace();
  find("points").replaceChildren(
    ...points.map((point, i) => makeRow(point, i, () => light(point.name))),
  );
  draw();
}

/** Light a point up, in the picture and in the table; null for none. */
function light(name) {
  if (name === lit) return;
  lit = name;
  for (const row of find("points").rows) row.classList.toggle("lit", row.dataset.point === name);
  draw();
  const point = scale ? faces[face]?.points.find((each) => each.name === name) : null;
  showTip(find("tip"), point, faces[face]?.box, measureSeen(find("picture")));
}

find("points").addEventListener("keydown", (event) => {
  const step = { ArrowDown: "nextSibling", ArrowUp: "previousSibling" }[event.key];
  const next = step && event.target[step];
  if (!next) return;
  event.preventDefault();
  [event.target.tabIndex, next.tabIndex] = [-1, 0];
  next.focus();
});
/** How many pixels of the screen one of the picture has. */
const measureSeen = ({ dataset, clientWidth, width }) => (dataset.zoom * clientWidth) / width;

find("picture").addEventListener("pointerdown", ({ offsetX, offsetY, target, pointerType, pointerId }) => {
  if (pointerType === "touch" || !scale) return; // which scrolls
  const [x, y] = [offsetX, offsetY].map((at) => at / measureSeen(target));
  drag = [x, y, x, y];
  target.setPointerCapture(pointerId);
});
find("picture").addEventListener("pointerup", ({ target }) => {
  if (!drag) return;
  const [x0, y0, x1, y1] = drag;
  drag = null;
  const box = [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
  if (Math.min(box[2] - box[0], box[3] - box[1]) * measureSeen(target) >= LEAST) show(file, [box]);
  else draw();
});
find("picture").addEventListener("pointermove", ({ offsetX, offsetY, target }) => {
  const seen = measureSeen(target);
  if (drag) {
    drag = [drag[0], drag[1], offsetX / seen, offsetY / seen];
    return draw();
  }
  const best = findNearest(faces, offsetX / seen, offsetY / seen, NEAR / seen);
  if (best && best[0] !== face) chooseFace(best[0]);
  light(best && best[1]);
});
find("picture").addEventListener("pointerleave", () => light(null));

const camera = { dialog: find("camera"), video: find("video"), live: find("live"), shoot: find("shoot"), close: find("close") };
handleCamera(camera, show);
find("take").addEventListener("click", () =>
  openCamera(camera, findModel()).catch(() => complain("The browser gives no camera here. Choose a picture instead.")), // no leave, no TLS
);
find("choose").addEventListener("click", () => find("file").click());
find("file").addEventListener("change", ({ target }) => {
  show(target.files[0]);
  target.value = "";
});
find("heat").addEventListener("change", () => showHeat().catch((error) => complain(error.message)));
find("more").addEventListener("change", () => showMore().catch((error) => complain(error.message)));
find("model").addEventListener("change", () => learnSet("").then(() => show(file), () => show(file)));
for (const id of ["detect", "max_faces", "small"]) find(id).addEventListener("change", () => show(file));
find("copy").addEventListener("click", () => {
  getSelection().selectAllChildren(find("curl")); // without TLS there is no clipboard: it is marked
  navigator.clipboard?.writeText(find("curl").textContent);
});
document.addEventListener("paste", ({ clipboardData }) => show(clipboardData.files[0]));
for (const kind of ["dragover", "dragleave", "drop"])
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", kind === "dragover");
    if (kind === "drop") show(event.dataTransfer.files[0]);
  });
document.body.classList.add("empty");
learnModels().catch((error) => (find("about").textContent = error.message));
