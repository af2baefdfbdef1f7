// Keeps the list of latest decisions up to date. Without this script the page works, by loading it again.

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
  const fresh = page.getElementById("recent");
  if (fresh) document.getElementById("recent").replaceWith(document.importNode(fresh, true));
}

const stream = new EventSource("/hand/events");
stream.addEventListener("decided", () => refresh().catch(() => {}));
addEventListener("pagehide", () => stream.close());
