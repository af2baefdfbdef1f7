// Seats are chosen on a plan by a tap, or by a frame drawn across them; what is chosen goes into the
// form that the plan names. Without this script the same places are named in the form's fields.

const SVG = "http://www.w3.org/2000/svg";
const HALF = 3.4; // of a seat, as the server draws it
const REACH = 6;

function choose(frame) {
  const drawing = frame.querySelector("svg");
  const form = document.getElementById(frame.dataset.choose);
  const field = form.elements.namedItem("units");
  const line = form.querySelector(".chosen-line");
  const seats = seatsOf(drawing);
  const chosen = new Set(numbersOf(field.value));
  const marks = drawing.appendChild(document.createElementNS(SVG, "path"));
  const box = drawing.appendChild(document.createElementNS(SVG, "rect"));
  marks.setAttribute("class", "seat-chosen");
  box.setAttribute("class", "choose-box");
  for (const each of form.querySelectorAll("[data-for-script]")) each.hidden = false;
  frame.classList.add("is-chosen-from");
  frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2; // on a phone it is wider than the screen

  const show = () => {
    field.value = Array.from(chosen).sort((a, b) => a - b).join(",");
    line.hidden = chosen.size === 0;
    line.querySelector("output").textContent = line.dataset.words.replace("{n}", chosen.size);
    const there = seats.filter((seat) => chosen.has(seat.unit));
    const side = 2 * HALF + 2;
    marks.setAttribute("d", there.map(({ x, y }) => `M${x - HALF - 1} ${y - HALF - 1}h${side}v${side}h-${side}z`).join(""));
  };

  let from = null;
  drawing.addEventListener("pointerdown", (event) => {
    if (event.button === 0) from = place(drawing, event);
  });
  drawing.addEventListener("pointermove", (event) => {
    if (from === null || event.pointerType === "touch") return; // a finger moves the plan
    frameIn(box, from, place(drawing, event));
  });
  drawing.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const to = place(drawing, event);
    const isFrame = event.pointerType !== "touch" && Math.hypot(to.x - from.x, to.y - from.y) > REACH;
    if (isFrame) for (const seat of seats.filter((each) => isWithin(each, from, to))) chosen.add(seat.unit);
    else toggle(chosen, nearest(seats, to));
    from = null;
    box.removeAttribute("width");
    show();
  });
  drawing.addEventListener("pointercancel", () => {
    from = null;
    box.removeAttribute("width");
  });
  line.querySelector("button").addEventListener("click", () => {
    chosen.clear();
    show();
  });
  show();
}

// Each layer is one path that begins each seat with an M, in the order of the units it names.
function seatsOf(drawing) {
  const seats = [];
  for (const path of drawing.querySelectorAll("path[data-units]")) {
    const isDot = path.classList.contains("look-dot");
    const across = isDot || path.classList.contains("look-diamond") ? 0 : HALF;
    const down = isDot ? 0 : HALF;
    const begins = Array.from(path.getAttribute("d").matchAll(/M(-?[\d.]+) (-?[\d.]+)/g));
    numbersOf(path.dataset.units).forEach((unit, at) => {
      seats.push({ unit, x: Number(begins[at][1]) + across, y: Number(begins[at][2]) + down });
    });
  }
  return seats;
}

function numbersOf(written) {
  return written.split(",").filter(Boolean).flatMap((run) => {
    const [first, last] = run.split("-").map(Number);
    return Array.from({ length: (last ?? first) - first + 1 }, (_, at) => first + at);
  });
}

function place(drawing, event) {
  return new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
}

function nearest(seats, at) {
  let found = null;
  let least = REACH;
  for (const seat of seats) {
    const away = Math.hypot(seat.x - at.x, seat.y - at.y);
    if (away < least) [found, least] = [seat, away];
  }
  return found;
}

function toggle(chosen, seat) {
  if (seat !== null && !chosen.delete(seat.unit)) chosen.add(seat.unit);
}

function isWithin(seat, from, to) {
  const between = (value, a, b) => value >= Math.min(a, b) && value <= Math.max(a, b);
  return between(seat.x, from.x, to.x) && between(seat.y, from.y, to.y);
}

function frameIn(box, from, to) {
  box.setAttribute("x", Math.min(from.x, to.x));
  box.setAttribute("y", Math.min(from.y, to.y));
  box.setAttribute("width", Math.abs(to.x - from.x));
  box.setAttribute("height", Math.abs(to.y - from.y));
}

for (const frame of document.querySelectorAll("[data-choose]")) choose(frame);
