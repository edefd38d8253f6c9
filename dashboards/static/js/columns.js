// [data-columns]: moves a column earlier or later; what is checked is sent in the order that is seen.
export function bindColumns(form) {
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-up], [data-down]");
    if (!button) return;
    const row = button.closest("[data-column]");
    const other = "up" in button.dataset ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    if ("up" in button.dataset) other.before(row);
    else other.after(row);
    button.focus();
  });
}
