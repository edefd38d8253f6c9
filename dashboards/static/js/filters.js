// [data-filters]: offers of the ways to compare those that fit the field, and asks only for what they take.
const WITHOUT_VALUE = ["set", "not_set"];
const NEVER = ["ne", "not_in", "not_set"];

export function bindFilters(filters) {
  const field = filters.querySelector("[data-filter-field]");
  const op = filters.querySelector("[data-filter-op]");
  const value = filters.querySelector("[data-filter-value]");

  const fit = () => {
    const chosen = field.selectedOptions[0];
    const ops = chosen.dataset.ops.split(" ");
    for (const option of op.options) option.hidden = option.disabled = !ops.includes(option.value);
    if (!ops.includes(op.value)) op.value = ops[0];
    value.hidden = WITHOUT_VALUE.includes(op.value);
    const deed = "deed" in chosen.dataset;
    for (const [index, one] of [...filters.querySelectorAll("[data-filter-deed]")].entries())
      one.hidden = !deed || (index === 0 && NEVER.includes(op.value));
    // What is hidden is not sent.
    for (const input of filters.querySelectorAll("input")) input.disabled = input.closest("[hidden]") !== null;
  };
  field.addEventListener("change", fit);
  op.addEventListener("change", fit);
  fit();
}
