// "/" goes to the search, j and k through the rows, x picks one, "?" tells the keys. Never while somebody types.
export function bindKeys(root) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const search = root.querySelector("[data-search]");
    if (event.key === "Escape" && event.target === search) return search.blur();
    if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
    if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "j" || event.key === "k") {
      step(root, event.key === "j" ? 1 : -1);
    } else if (event.key === "x") {
      root.activeElement.closest("tr")?.querySelector("[data-pick]")?.click();
    } else if (event.key === "?") {
      root.querySelector("[data-keys]")?.showModal();
    }
  });
}

function step(root, by) {
  const rows = [...root.querySelectorAll("[data-row]")];
  const at = rows.indexOf(root.activeElement);
  const next = at < 0 ? rows[0] : rows[at + by];
  next?.focus();
}
