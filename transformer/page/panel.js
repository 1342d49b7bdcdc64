// What was found, as text beside the picture: faces, points, stages of time.
import { count, spell } from "./answer.js";

const PARTS = { faces: ["wait", "decode", "detect", "crop"], predict: ["resize", "queue", "infer"] };
const NAMES = {
  wait: "wait", decode: "decode", detect: "detect", crop: "crop", faces: "Finding faces", predict: "Points",
  resize: "resize", queue: "queue", infer: "network", total: "Service", trip: "Seen from here",
};
const [list, trust, table, stages, least] = ["faces", "trust", "points", "stages", "least"].map((id) =>
  document.getElementById(id),
);

/** Show a small picture of each face as a button; the chosen one is pressed. */
export function showFaces(bitmap, faces, chosen, choose) {
  list.replaceChildren(
    ...faces.map((face, number) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", number === chosen);
      button.setAttribute("aria-label", `Face ${number + 1}, score ${face.box_score.toFixed(2)}`);
      button.append(cutFace(bitmap, face.box));
      button.addEventListener("click", () => choose(number));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
}

function cutFace(bitmap, [x0, y0, x1, y1]) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 88;
  const side = 1.25 * Math.max(x1 - x0, y1 - y0, 1);
  canvas.getContext("2d").drawImage(bitmap, (x0 + x1 - side) / 2, (y0 + y1 - side) / 2, side, side, 0, 0, 88, 88);
  return canvas;
}

/** Mark which face is chosen. */
export function markFace(chosen) {
  [...list.children].forEach((item, i) => item.firstChild.setAttribute("aria-pressed", i === chosen));
}

/** Show one face's points as a table. */
export function showPoints(face, minimum, told) {
  const shown = face ? face.points.filter(({ score }) => score >= minimum).length : 0;
  least.textContent = face ? `${minimum.toFixed(2)}: ${shown} of ${face.points.length} points` : minimum.toFixed(2);
  const low = face && !face.trusted;
  trust.hidden = !face;
  trust.classList.toggle("low", Boolean(low));
  trust.textContent = !face
    ? ""
    : `Detector's score ${face.box_score.toFixed(2)}` +
      ` · face_score ${face.face_score.toFixed(2)}${low ? ": better not relied on" : ""}`;
  table.tBodies[0].replaceChildren(
    ...(face?.points ?? []).map((point) => {
      const row = document.createElement("tr");
      row.dataset.point = point.name;
      row.classList.toggle("under", point.score < minimum);
      row.classList.toggle("weak", point.score < 0.5);
      const values = [spell(point.name), point.x.toFixed(1), point.y.toFixed(1), point.score.toFixed(2)];
      for (const value of values) row.insertCell().textContent = value;
      row.addEventListener("pointerenter", () => told(point.name));
      row.addEventListener("pointerleave", () => told(null));
      return row;
    }),
  );
}

/** Mark the row of a point, if it is of the face that is shown. */
export function markPoint(name) {
  for (const row of table.tBodies[0].rows) row.classList.toggle("lit", row.dataset.point === name);
}

/** Show the stages of an answer as bars of its whole time. */
export function showTimings(timings, trip) {
  const lines = [];
  for (const [whole, parts] of Object.entries(PARTS))
    if (whole in timings) lines.push([whole], ...parts.filter((part) => part in timings).map((part) => [part, true]));
  if ("total" in timings) lines.push(["total"]);
  lines.push(["trip"]);
  const values = { ...timings, trip };
  const most = Math.max(...Object.values(values), 1e-9);
  stages.tBodies[0].replaceChildren(
    ...lines.map(([stage, isPart]) => {
      const row = document.createElement("tr");
      row.className = isPart ? "part" : "";
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = NAMES[stage] ?? stage;
      const bar = document.createElement("i");
      bar.style.width = `${(100 * values[stage]) / most}%`;
      row.append(head);
      row.insertCell().append(bar);
      row.insertCell().textContent = `${values[stage].toFixed(1)} ms`;
      return row;
    }),
  );
}

/** Say in a line what a picture holds. */
export function summarise(item) {
  if (item.state === "done") return count(item.faces.length, "face");
  return { waiting: "waiting", asking: "asking …", failed: "failed" }[item.state];
}
