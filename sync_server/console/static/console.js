// Keeps a page with a live part up to date, and gives every page its keys. Without this script all
// pages work the same: by their Refresh links, their other links and their forms.

import { bindKeys } from "./keys.js";

const PERIOD_MS = 5000;
const TIMEOUT_MS = 10000;

const stale = document.getElementById("stale");
let refreshing = null;
let isAskedAgain = false;

async function fetchLivePart() {
  const response = await fetch(location.href.split("#")[0], {
    headers: { "X-Boxgate-Refresh": "1" },
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.type === "opaqueredirect") {
    location.reload(); // the session has ended: the server leads to the sign-in
    return null;
  }
  if (!response.ok) throw new Error(`status ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return { live: page.getElementById("live"), title: page.title };
}

async function fetchAndSwap() {
  try {
    const fresh = await fetchLivePart();
    if (!fresh?.live) return;
    swapAndKeepFocus(document.getElementById("live"), fresh.live);
    document.title = fresh.title;
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
}

// One look at a time: news that come meanwhile are looked for right after it.
async function refresh() {
  if (document.hidden) return;
  isAskedAgain = refreshing !== null;
  refreshing ??= lookUntilNobodyAsks().finally(() => {
    refreshing = null;
  });
  await refreshing;
}

async function lookUntilNobodyAsks() {
  do {
    isAskedAgain = false;
    await fetchAndSwap();
  } while (isAskedAgain);
}

// All that can have the focus in a live part are links. Where one was replaced, or leads elsewhere
// now, because its list became longer or shorter, the focus goes on to the link of the same address.
function swapAndKeepFocus(old, fresh) {
  const had = document.activeElement;
  const address = had.getAttribute("href");
  const words = had.textContent;
  swap(old, fresh);
  if (had.isConnected && had.getAttribute("href") === address) return;
  const leadsThere = (link) => link.getAttribute("href") === address;
  const heirs = Array.from(document.querySelectorAll("#live a")).filter(leadsThere);
  const heir = heirs.find((link) => link.textContent === words) ?? heirs[0];
  heir?.focus({ preventScroll: true });
}

// Only what differs is replaced, so that focus, selection and screen readers are left in peace.
function swap(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const sameShape =
    old.nodeType === Node.ELEMENT_NODE &&
    old.nodeName === fresh.nodeName &&
    old.childNodes.length === fresh.childNodes.length &&
    old.childNodes.length > 0;
  if (!sameShape) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  for (const name of old.getAttributeNames()) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const name of fresh.getAttributeNames()) old.setAttribute(name, fresh.getAttribute(name));
  const children = Array.from(fresh.childNodes);
  Array.from(old.childNodes).forEach((child, at) => swap(child, children[at]));
}

async function keepFresh() {
  await refresh();
  setTimeout(keepFresh, PERIOD_MS);
}

// The server says when there is news, also such as came since this page was made; where it cannot,
// the page looks by itself.
function listen() {
  const source = new EventSource(document.body.dataset.news);
  source.addEventListener("news", refresh);
  source.addEventListener("over", () => {
    source.close();
    location.reload();
  });
  addEventListener("pagehide", () => source.close());
}

// On a phone the bar of sections is wider than the screen.
const here = document.querySelector(".sections [aria-current]");
if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.clientWidth / 4;

bindKeys();
if (document.querySelector("[data-live]")) {
  listen();
  setTimeout(keepFresh, PERIOD_MS);
  document.addEventListener("visibilitychange", refresh);
}
