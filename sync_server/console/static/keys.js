// j and k go through a page's rows, / to its search field, a to the step that it suggests.

const TYPED_IN = "input, select, textarea, [contenteditable]";

function rows() {
  return Array.from(document.querySelectorAll("main [data-row]")).filter((row) => row.offsetParent);
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
  const row = all[Math.max(0, Math.min(all.length - 1, next))];
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

const ACTIONS = {
  j: () => step(1),
  k: () => step(-1),
  "/": () => document.querySelector("main [data-search]")?.focus(),
  a: () => document.querySelector("main [data-accept]")?.focus(),
};

export function bindKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.closest?.(TYPED_IN)) return;
    const action = ACTIONS[event.key];
    if (!action) return;
    event.preventDefault(); // or the field that / leads to would get the slash
    action();
  });
}
