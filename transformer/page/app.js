// The page: pictures come in, are asked for two at a time, and one of them is seen.
import { askFaces, askHeatmaps, fetchModel, findType } from "./ask.js";
import { count } from "./answer.js";
import { openCamera } from "./camera.js";
import { addToGallery, drawThumb, markInGallery } from "./gallery.js";
import { markFace, markPoint, showFaces, showPoints, showTimings } from "./panel.js";
import { describe, drawPicture, nameAfter, save, writeCurl } from "./save.js";
import { Stage } from "./stage.js";
import { readUpright } from "./upright.js";

const AT_A_TIME = 2; // requests under way
const MOST = 100; // pictures on the list
const ADVICE = {
  invalid_image: "Choose a JPEG, PNG or WebP file.",
  too_large: "Choose a smaller file.",
  unreachable: "It may be gone, or starting anew. Try again in a moment.",
  timeout: "It may be gone, or busy. Try again in a moment.",
  overloaded: "It has more to do than it takes at once. Try again in a moment.",
};
const find = (id) => document.getElementById(id);
const stage = new Stage(({ lit, face }) => (face === undefined ? markPoint(lit?.face === stage.face ? lit.point : null) : chooseFace(face)));
const items = []; // {file, state, faces, timings, milliseconds, error, note, heat, entry}
let model = null;
let chosen = null;
let bitmap = null; // of the chosen one
let asking = 0;

// What the service serves: asked for once, and anew after a failure.
async function learnModel() {
  if (model) return model;
  try {
    model = await fetchModel();
    const points = model.points ? `${count(model.points.length, "point")} a face` : "points not told yet";
    find("about").textContent = `Model ${model.name}, ${points}`;
    find("about").classList.remove("gone");
    return model;
  } catch (error) {
    find("about").textContent = error.message;
    find("about").classList.add("gone");
    throw error;
  }
}

function addFiles(files) {
  const room = MOST - items.length;
  const added = [...files].slice(0, Math.max(0, room)).map((file) => ({ file, state: "waiting", faces: [] }));
  if (!added.length) return;
  find("start").hidden = true;
  find("work").hidden = false;
  for (const item of added) {
    items.push(item);
    addToGallery(item, choose, drop);
    markInGallery(item, chosen);
  }
  choose(added[0]);
  askNext();
}

function askNext() {
  for (const item of items) {
    if (asking >= AT_A_TIME) return;
    if (item.state === "waiting") ask(item);
  }
}

async function ask(item) {
  asking += 1;
  [item.state, item.error, item.note] = ["asking", null, ""];
  update(item);
  try {
    const known = await learnModel();
    const answer = await askFaces(known, item.file, (note) => {
      item.note = note;
      update(item);
    });
    Object.assign(item, answer, { state: "done" });
    if (known.set && answer.set && known.set !== answer.set) model = null; // another network: other names
    known.set = answer.set;
  } catch (error) {
    [item.state, item.error, item.faces] = ["failed", error, []];
  }
  asking -= 1;
  update(item, true);
  askNext();
}

/** Show how a picture stands, in the row and, where it is the chosen one, at large. */
function update(item, changed = false) {
  if (!items.includes(item)) return;
  markInGallery(item, chosen);
  find("all").hidden = items.filter(({ state }) => state === "done").length < 2;
  if (item !== chosen) return;
  const done = item.state === "done";
  find("error").hidden = item.state !== "failed";
  find("panel").hidden = !bitmap && !done && item.state !== "failed";
  find("found").hidden = !done || !item.faces.length;
  find("timing").hidden = !done;
  find("heat").disabled = find("zoom").disabled = !done || !item.faces.length || !bitmap;
  for (const button of document.querySelectorAll("button.answer")) button.disabled = !done;
  find("curl").textContent = model ? writeCurl(model, item.file) : "";
  if (item.error) {
    find("sentence").textContent = item.error.message;
    find("advice").textContent = ADVICE[item.error.code] ?? (item.error.mayPass ? "Try again in a moment." : "");
    document.querySelector("[data-do=again]").hidden = !(item.error.mayPass || item.error.code === "internal");
  }
  writeSummary(item);
  if (!changed) return;
  stage.show(bitmap, bitmap ? item.faces : [], { waiting: item.state === "asking" || item.state === "waiting" });
  setZoom(false);
  if (!done) return;
  showTimings(item.timings, item.milliseconds);
  if (bitmap) showFaces(bitmap, item.faces, 0, chooseFace);
  chooseFace(0);
  if (find("heat").checked) showHeat();
}

function writeSummary(item, note = item.state === "asking" ? item.note : "") {
  const said = { waiting: "Waiting for its turn", asking: "Asking the service …", failed: "No answer" }[item.state];
  const size = bitmap ? ` ${bitmap.width} × ${bitmap.height}` : "";
  const more = document.createElement("small");
  more.textContent = ` ${item.file.name}${size}`;
  const found = item.faces.length ? count(item.faces.length, "face") : "No face was found";
  find("summary").replaceChildren(note || (said ?? found), more);
}

/** Show a picture at large. */
async function choose(item) {
  chosen = item;
  items.forEach((each) => markInGallery(each, chosen));
  bitmap?.close();
  bitmap = null;
  update(item, true);
  const read = await readUpright(item.file);
  if (chosen !== item) return read?.close();
  bitmap = read;
  if (bitmap) drawThumb(item, bitmap);
  update(item, true);
  thumbRest();
}

/** Draw the small pictures of those that were never chosen, one after another. */
async function thumbRest() {
  for (const item of items.filter((each) => !each.thumbed)) {
    item.thumbed = true;
    if (item === chosen) continue;
    const read = await readUpright(item.file);
    if (read) drawThumb(item, read);
    read?.close();
  }
}

function drop(item) {
  items.splice(items.indexOf(item), 1);
  item.entry.remove();
  if (item !== chosen) return update(chosen);
  if (items.length) return choose(items[0]);
  chosen = null;
  for (const id of ["work", "panel"]) find(id).hidden = true;
  find("start").hidden = false;
  document.querySelector("#start button").focus();
}

function chooseFace(face) {
  if (stage.face !== face) stage.choose(face);
  markFace(face);
  showPoints(chosen.faces[face], stage.least, (point) => stage.light(point && { face, point }));
}

function setZoom(zoomed) {
  stage.setZoom(zoomed);
  find("zoom").setAttribute("aria-pressed", zoomed);
  find("zoom").textContent = zoomed ? "Whole picture" : "Zoom to face";
}

async function showHeat() {
  const item = chosen;
  if (!find("heat").checked || item?.state !== "done" || !item.faces.length) return stage.setHeat(null);
  try {
    if (!item.heat) writeSummary(item, "Asking for the heatmaps …");
    item.heat ??= await askHeatmaps(model, item.file);
    const fits = item.heat.heatmaps.shape[0] === item.faces.length;
    if (item === chosen && find("heat").checked && fits) stage.setHeat(item.heat);
    if (item === chosen) writeSummary(item);
  } catch (error) {
    if (item !== chosen) return;
    find("heat").checked = false;
    writeSummary(item, error.message);
  }
}

const writeJson = (content) => new Blob([JSON.stringify(content, null, 1) + "\n"], { type: "application/json" });
const ACTIONS = {
  choose: () => find("files").click(),
  camera: () => openCamera((file) => addFiles([file])),
  again: () => {
    chosen.state = "waiting";
    update(chosen, true);
    askNext();
  },
  zoom: () => setZoom(!stage.zoomed),
  copy: async ({ target }) => {
    try {
      await navigator.clipboard.writeText(find("curl").textContent);
      target.textContent = "Copied";
      setTimeout(() => (target.textContent = "Copy"), 2000);
    } catch { // without TLS there is no clipboard: what is to be copied is marked
      getSelection().selectAllChildren(find("curl"));
    }
  },
  png: () =>
    drawPicture(bitmap, chosen.faces, stage.least, stage.heat).toBlob((blob) => save(blob, nameAfter(chosen.file, "png"))),
  json: () => save(writeJson(describe(chosen)), nameAfter(chosen.file, "json")),
  all: () => save(writeJson(items.filter(({ state }) => state === "done").map(describe)), "landmarks.json"),
};

document.addEventListener("click", (event) => ACTIONS[event.target.dataset?.do]?.(event));
for (const id of ["files", "shot"])
  find(id).addEventListener("change", ({ target }) => {
    addFiles(target.files);
    target.value = "";
  });
find("heat").addEventListener("change", showHeat);
find("threshold").addEventListener("input", ({ target }) => {
  stage.setLeast(Number(target.value));
  if (chosen?.faces.length) chooseFace(stage.face);
});
document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  addFiles(files.map((file, i) => new File([file], `pasted-${items.length + i + 1}.${findType(file).slice(6)}`, { type: file.type })));
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"])
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") addFiles(event.dataTransfer.files);
  });
learnModel().catch(() => {});
