// [data-bulk]: what is done to the rows that are picked. Picks outlast the rows' being drawn anew.
export function bindBulk(form, list) {
  const picked = new Set();
  const boxes = () => [...list.querySelectorAll("[data-pick]")];
  const all = () => list.querySelector("[data-pick-all]");
  const action = form.querySelector("[data-bulk-action]");

  const show = () => {
    const shown = boxes();
    const known = new Set(shown.map((box) => box.value));
    for (const id of picked) if (!known.has(id)) picked.delete(id);
    for (const box of shown) box.checked = picked.has(box.value);
    const every = all();
    if (every) {
      every.checked = shown.length > 0 && picked.size === shown.length;
      every.indeterminate = picked.size > 0 && picked.size < shown.length;
    }
    form.hidden = picked.size === 0;
    form.querySelector("[data-bulk-count]").textContent = `${picked.size} selected`;
  };
  const fit = () => {
    if (!action) return;  // Who only reads can download what is picked.
    const values = action.selectedOptions[0].dataset.values;
    for (const field of form.querySelectorAll("[data-bulk-values]"))
      field.hidden = field.disabled = field.dataset.bulkValues !== values;
  };

  list.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) for (const box of boxes()) pick(box.value, event.target.checked);
    else if (event.target.matches("[data-pick]")) pick(event.target.value, event.target.checked);
    else return;
    show();
  });
  list.addEventListener("htmx:afterSwap", show);
  form.querySelector("[data-bulk-clear]").addEventListener("click", () => {
    picked.clear();
    show();
  });
  action?.addEventListener("change", fit);
  form.addEventListener("submit", () => {
    form.querySelector("[data-bulk-back]").value = location.pathname + location.search;
  });
  // A browser that comes back keeps what was checked.
  for (const box of boxes()) if (box.checked) picked.add(box.value);
  fit();
  show();

  function pick(id, isPicked) {
    if (isPicked) picked.add(id);
    else picked.delete(id);
  }
}
