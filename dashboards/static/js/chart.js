// [data-chart]: pointer or arrow keys choose a day; its figures are read out in [data-chart-readout].
export function bindChart(chart) {
  const days = [...chart.querySelectorAll("[data-day]")];
  const readout = chart.querySelector("[data-chart-readout]");
  const rest = readout.textContent;
  let at = -1;

  const choose = (index) => {
    days[at]?.removeAttribute("data-on");
    at = index;
    days[at]?.setAttribute("data-on", "");
    readout.textContent = days[at]?.dataset.day ?? rest;
  };
  const plot = chart.querySelector("svg");
  plot.addEventListener("pointermove", (event) => choose(days.indexOf(event.target.closest("[data-day]"))));
  plot.addEventListener("pointerleave", () => choose(-1));
  plot.addEventListener("blur", () => choose(-1));
  plot.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const from = at < 0 ? (by > 0 ? -1 : days.length) : at;
    choose(Math.min(Math.max(from + by, 0), days.length - 1));
  });
}
