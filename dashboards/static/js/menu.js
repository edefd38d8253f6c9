// details[data-menu] closes on Escape and on a press elsewhere.
export function bindMenu(root) {
  const close = (except) => {
    for (const menu of root.querySelectorAll("details[data-menu][open]")) if (menu !== except) menu.open = false;
  };
  root.addEventListener("click", (event) => close(event.target.closest("details[data-menu]")));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest("details[data-menu][open]");
    close(null);
    menu?.querySelector("summary").focus();
  });
}
