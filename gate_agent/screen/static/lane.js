// A lane's screen. The gate says everything in words; here they are put where they belong.

import { maySound, sound, switchOn } from "./sounds.js";

const LOST_MS = 7000; // the gate is heard every two seconds

const body = document.body;
const first = body.dataset.first;
const second = body.dataset.second;
const of = (id) => document.getElementById(id);

let back = 0; // the timer that ends a decision
let lost = 0; // the timer that ends patience
let version = "";
let rest = "idle"; // what is shown between two visitors: idle, or how the lane stands

function put(id, text) {
  const element = of(id);
  element.textContent = text ?? "";
  element.hidden = !text;
}

function putBoth(name, words) {
  put(`${name}1`, words?.[first]);
  put(`${name}2`, words?.[second] === words?.[first] ? "" : words?.[second]);
}

function icon(name) {
  return document.querySelector(`#icons [data-icon="${name}"] svg`)?.cloneNode(true) ?? "";
}

function decided(face) {
  clearTimeout(back);
  of("icon").replaceChildren(icon(face.icon));
  putBoth("word", face.word);
  putBoth("reason", face.reason);
  putBoth("step", face.step);
  of("step").hidden = !face.step?.[first];
  putBoth("more", face.more);
  of("idle").hidden = of("stands").hidden = true;
  of("face").hidden = false;
  body.dataset.kind = face.kind;
  sound(face.sound);
  fit();
  back = setTimeout(idle, face.for_ms);
}

function fit() {
  const room = document.querySelector("main");
  for (const tight of ["0", "1", "2", "3"]) {
    body.dataset.tight = tight;
    if (of("face").scrollHeight <= room.clientHeight && of("face").scrollWidth <= room.clientWidth) return;
  }
}

function idle() {
  body.dataset.kind = rest;
  of("face").hidden = true;
  of("idle").hidden = rest !== "idle";
  of("stands").hidden = rest === "idle";
}

function stand(how, until) {
  rest = how || "idle";
  put("until", until);
  of("stands-icon").replaceChildren(icon(rest === "fire" ? "flame" : "door-open"));
  for (const each of document.querySelectorAll("[data-stands]")) each.hidden = each.dataset.stands !== rest;
  if (rest === "fire") clearTimeout(back); // nobody reads anything else then
  if (rest === "fire" || of("face").hidden) idle();
}

function status(now) {
  put("gate", now.gate);
  put("event", now.event[first]);
  put("entered", now.counts[first]);
  of("counts").hidden = !now.counts[first];
  put("link1", now.link[first]);
  put("data1", now.data[first]);
  of("link").dataset.level = now.level;
  of("link-icon").replaceChildren(icon(now.icon));
  of("faults").replaceChildren(...now.faults.map(fault));
  stand(now.stands, now.until[first]);
}

function fault(words) {
  const item = document.createElement("li");
  const text = document.createElement("span");
  const other = document.createElement("i");
  text.textContent = words[first];
  other.textContent = words[second];
  text.append(other);
  item.append(icon("triangle-alert"), text);
  return item;
}

function heard() {
  clearTimeout(lost);
  delete body.dataset.lost;
  of("lost").hidden = true;
  lost = setTimeout(gone, LOST_MS);
}

// What stands there may be wrong now, and a visitor must not take an old green for theirs.
function gone() {
  idle();
  body.dataset.lost = "";
  of("lost").hidden = false;
}

function hello(told) {
  if (version && version !== told.version) location.reload();
  version = told.version;
}

// Names without a data attribute of their own would be lost: each event is one of these.
const HEARERS = { hello, decision: decided, status, beat: () => {} };

let stream = null;

function listen() {
  stream = new EventSource(body.dataset.events);
  for (const [name, hear] of Object.entries(HEARERS)) {
    stream.addEventListener(name, (event) => {
      heard();
      hear(JSON.parse(event.data));
    });
  }
  // The browser asks again by itself, but not after a refusal.
  stream.addEventListener("error", () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    stream.close();
    setTimeout(listen, 2000);
  });
}

async function askForSound() {
  of("sound").hidden = await switchOn();
}

of("sound").addEventListener("click", askForSound);
document.addEventListener("pointerdown", () => maySound() || askForSound());
addEventListener("pagehide", () => stream?.close());

lost = setTimeout(gone, LOST_MS);
listen();
askForSound();
