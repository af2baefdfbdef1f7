// Keeps the lists up to date: latest decisions, double entries, lanes. Without this script the page works, by loading it again.

let asked = 0;

async function refresh() {
  const mine = ++asked;
  const response = await fetch("/hand", {
    headers: { "X-Boxgate-Refresh": "1" },
    redirect: "manual",
    signal: AbortSignal.timeout(10000),
  });
  if (!response.ok || mine !== asked) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["cases", "recent", "lanes"]) {
    const fresh = page.getElementById(id);
    if (fresh) document.getElementById(id).replaceWith(document.importNode(fresh, true));
  }
}

// The page knows what it has heard of: what happened since it was made is told at once.
const stream = new EventSource(document.getElementById("recent").dataset.events);
stream.addEventListener("news", () => refresh().catch(() => {}));
addEventListener("pagehide", () => stream.close());
