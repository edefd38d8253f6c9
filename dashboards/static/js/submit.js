// form[data-submit-on-change] is sent when something in it is chosen; its button is for those without scripts.
export function bindSubmit(form) {
  form.querySelector("[data-submit]").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}
