// The pictures that were given, as small ones in a row.
import { summarise } from "./panel.js";

const list = document.getElementById("gallery");
const THUMB = 176; // pixels across

/** Put a picture into the row; `choose` and `drop` are called with it. */
export function addToGallery(item, choose, drop) {
  const pick = document.createElement("button");
  pick.type = "button";
  pick.className = "pick";
  pick.append(document.createElement("canvas"), makeLine("name", item.file.name), makeLine("state", ""));
  pick.addEventListener("click", () => choose(item));
  const away = document.createElement("button");
  away.type = "button";
  away.className = "drop";
  away.textContent = "×";
  away.setAttribute("aria-label", `Take ${item.file.name} off the list`);
  away.addEventListener("click", () => drop(item));
  item.entry = document.createElement("li");
  item.entry.append(pick, away);
  list.append(item.entry);
}

/** Write how far a picture is, and whether it is the one that is seen. */
export function markInGallery(item, chosen) {
  const line = item.entry.querySelector(".state");
  line.textContent = summarise(item);
  line.classList.toggle("failed", item.state === "failed");
  item.entry.firstChild.setAttribute("aria-current", item === chosen);
}

/** Draw a picture small. */
export function drawThumb(item, bitmap) {
  const canvas = item.entry.querySelector("canvas");
  const scale = Math.min(1, THUMB / bitmap.width);
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(scale * side)));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}

function makeLine(kind, text) {
  const line = document.createElement("span");
  line.className = kind;
  line.textContent = text;
  return line;
}
