// The picture with its faces: a canvas below, points that can be reached above.
import { drawHeatmaps } from "./heat.js";
import { spell } from "./answer.js";

const SVG = "http://www.w3.org/2000/svg";
const WEAK = 0.5; // scores below are red, as the client draws them
const NEAR = 18; // pixels of the screen within which a point is meant
const LARGEST = 4; // times its own size
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };

/** How large a face's points are drawn, of the width of its box. */
export const chooseRadius = (width) => Math.min(5, Math.max(1.2, width / 45));

export class Stage {
  bitmap = null;
  faces = [];
  heat = null;
  least = 0;
  face = 0; // the chosen one
  lit = null; // {face, point} under the pointer or focused
  zoomed = false;

  /** `told` hears which face is chosen, and which point is lit. */
  constructor(told) {
    this.told = told;
    [this.frame, this.canvas, this.marks, this.tip] = ["frame", "picture", "marks", "tip"].map((id) =>
      document.getElementById(id),
    );
    this.marks.addEventListener("pointermove", (event) => this.light(this.findNear(event)));
    this.marks.addEventListener("pointerleave", (event) => event.pointerType === "touch" || this.light(null));
    this.marks.addEventListener("click", (event) => this.tap(event));
    this.marks.addEventListener("keydown", (event) => this.step(event));
    this.marks.addEventListener("focusin", ({ target }) => this.light(this.readPlace(target)));
    this.marks.addEventListener("focusout", () => this.light(null));
    new ResizeObserver(() => this.fit()).observe(this.frame.parentElement);
    addEventListener("resize", () => this.fit());
  }

  /** Show a picture with these faces, or none. */
  show(bitmap, faces, { waiting = false } = {}) {
    [this.bitmap, this.faces, this.heat, this.lit, this.face, this.zoomed] = [bitmap, faces, null, null, 0, false];
    this.frame.hidden = !bitmap;
    this.frame.classList.toggle("waiting", waiting);
    this.build();
    this.fit();
    this.light(null);
  }

  setHeat(heat) {
    this.heat = heat;
    this.draw();
  }

  setLeast(least) {
    this.least = least;
    this.build();
    this.fit();
  }

  choose(face) {
    this.face = face;
    this.build();
    this.fit();
  }

  setZoom(zoomed) {
    this.zoomed = zoomed;
    this.fit();
  }

  /** Make a group for each face and a circle for each point that is sure enough. */
  build() {
    this.marks.replaceChildren(
      ...this.faces.map((face, number) => {
        const name = `Face ${number + 1} of ${this.faces.length}`;
        const group = make("g", { class: number === this.face ? "chosen" : "", role: "group", "aria-label": name });
        const [x0, y0, x1, y1] = face.box;
        const corners = { x: x0, y: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0) };
        const shown = face.points.filter((point) => point.score >= this.least);
        group.append(make("rect", corners), ...shown.map((point, i) => makePoint(point, i === 0, number)));
        return group;
      }),
    );
  }

  /** Choose what part of the picture is seen, as large as there is room. */
  fit() {
    if (!this.bitmap) return;
    const { width, height } = this.bitmap;
    this.view = { x: 0, y: 0, width, height };
    const box = this.faces[this.face]?.box;
    if (this.zoomed && box) {
      const side = 1.5 * Math.max(box[2] - box[0], box[3] - box[1], 8);
      const [x, y] = [(box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2];
      this.view = { x, y, width: side, height: side };
    }
    const room = this.frame.parentElement;
    const space = getComputedStyle(room);
    const wide = room.clientWidth - parseFloat(space.paddingLeft) - parseFloat(space.paddingRight);
    const high = Math.max(240, 0.68 * innerHeight);
    const most = this.zoomed ? Infinity : LARGEST;
    this.scale = Math.min(most, wide / this.view.width, high / this.view.height);
    const size = [Math.max(1, Math.round(this.scale * this.view.width)), Math.max(1, Math.round(this.scale * this.view.height))];
    [this.frame.style.width, this.frame.style.height] = size.map((pixels) => `${pixels}px`);
    const dense = Math.min(2, devicePixelRatio || 1);
    [this.canvas.width, this.canvas.height] = size.map((pixels) => Math.round(dense * pixels));
    const { x, y, width: w, height: h } = this.view;
    this.marks.setAttribute("viewBox", `${x} ${y} ${w} ${h}`);
    for (const group of this.marks.children) {
      const across = this.scale * Number(group.firstChild.getAttribute("width"));
      group.classList.toggle("small", chooseRadius(across) < 2);
      for (const circle of group.querySelectorAll("circle")) circle.setAttribute("r", chooseRadius(across) / this.scale);
    }
    this.draw();
    this.placeTip();
  }

  draw() {
    if (!this.bitmap) return;
    const pen = this.canvas.getContext("2d");
    const zoom = this.canvas.width / this.view.width;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.setTransform(zoom, 0, 0, zoom, -zoom * this.view.x, -zoom * this.view.y);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.bitmap, 0, 0);
    if (this.heat) drawHeatmaps(pen, this.heat, this.faces, this.least, this.lit);
  }

  /** Light one point up, or none. */
  light(place) {
    if (place?.face === this.lit?.face && place?.point === this.lit?.point) return;
    this.marks.querySelector(".lit")?.classList.remove("lit");
    this.lit = place;
    if (place) this.findCircle(place)?.classList.add("lit");
    this.placeTip();
    if (this.heat) this.draw();
    this.told({ lit: place });
  }

  /** Put name, coordinates and score beside the lit point. */
  placeTip() {
    const face = this.lit && this.faces[this.lit.face];
    const point = face?.points.find(({ name }) => name === this.lit.point);
    this.tip.hidden = !point;
    if (!point) return;
    const [head, line] = [document.createElement("b"), document.createElement("span")];
    head.textContent = spell(point.name);
    line.textContent = `x ${point.x.toFixed(1)}  y ${point.y.toFixed(1)}  score ${point.score.toFixed(2)}`;
    this.tip.replaceChildren(head, line);
    const [x, y] = [this.scale * (point.x + 0.5 - this.view.x), this.scale * (point.y + 0.5 - this.view.y)];
    const [wide, high] = [this.tip.offsetWidth, this.tip.offsetHeight];
    const [before, behind] = [0, 2].map((side) => this.scale * (face.box[side] - this.view.x));
    // Beside the face, so that its points stay in sight; above or below the point where there is no room.
    const beside = behind + 10 + wide <= this.frame.clientWidth ? behind + 10 : before - 10 - wide;
    const left = beside >= 0 ? beside : Math.min(Math.max(0, x - wide / 2), Math.max(0, this.frame.clientWidth - wide));
    const top = beside >= 0 ? y - high / 2 : y < high + 14 ? y + 14 : y - high - 12;
    this.tip.style.left = `${left}px`;
    this.tip.style.top = `${Math.max(0, top)}px`;
  }

  findCircle({ face, point }) {
    return [...(this.marks.children[face]?.children ?? [])].find((child) => child.dataset.point === point);
  }

  readPlace(target) {
    return target.dataset?.point ? { face: Number(target.dataset.face), point: target.dataset.point } : null;
  }

  /** Find where in the picture the pointer is. */
  findPlace(event) {
    const at = this.marks.getBoundingClientRect();
    return [this.view.x + (event.clientX - at.left) / this.scale, this.view.y + (event.clientY - at.top) / this.scale];
  }

  /** Find the point that the pointer means. */
  findNear(event) {
    const [x, y] = this.findPlace(event);
    let [best, least] = [null, NEAR / this.scale];
    for (const circle of this.marks.querySelectorAll("circle")) {
      const far = Math.hypot(circle.getAttribute("cx") - x, circle.getAttribute("cy") - y);
      if (far < least) [best, least] = [circle, far];
    }
    return best && this.readPlace(best);
  }

  tap(event) {
    const near = this.findNear(event);
    const [x, y] = this.findPlace(event);
    const inside = this.faces.findIndex(({ box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]);
    const face = near ? near.face : inside;
    if (face >= 0 && face !== this.face) {
      this.choose(face);
      this.told({ face });
    }
    this.lit = null;
    this.light(near);
  }

  /** Go from point to point with the arrow keys; a face is one stop of the tab key. */
  step(event) {
    if (event.key === "Escape") document.activeElement.blur();
    const circles = [...(event.target.parentElement?.querySelectorAll("circle") ?? [])];
    const at = circles.indexOf(event.target);
    if (!(event.key in STEPS) || at < 0) return;
    event.preventDefault();
    const next = circles[Math.min(circles.length - 1, Math.max(0, at + STEPS[event.key]))];
    for (const circle of circles) circle.setAttribute("tabindex", circle === next ? 0 : -1);
    next.focus();
  }
}

function make(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function makePoint(point, first, face) {
  return make("circle", {
    class: point.score < WEAK ? "weak" : "",
    cx: point.x + 0.5, // a pixel's centre is at whole numbers, but at halves of the drawing
    cy: point.y + 0.5,
    r: 2,
    role: "img",
    tabindex: first ? 0 : -1,
    "aria-label": `${spell(point.name)}: x ${point.x.toFixed(1)}, y ${point.y.toFixed(1)}, score ${point.score.toFixed(2)}`,
    "data-point": point.name,
    "data-face": face,
  });
}
