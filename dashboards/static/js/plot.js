// [data-plot]: draws the columns of [data-plot-table] that have a data-series as stacked bars, oldest day first, in the
// tones of the page. The pointer or the arrow keys choose a day, whose figures are read out in [data-plot-readout].
/* global uPlot */
const BARS = { size: [0.72, 28], radius: 0.1 };

export function bindPlot(plot) {
  const area = plot.querySelector("[data-plot-area]");
  const readout = plot.querySelector("[data-plot-readout]");
  const table = read(plot.querySelector("[data-plot-table]"));
  const rest = readout.textContent;
  const last = table.days.length - 1;
  let at = -1;

  const tell = (index) => {
    at = index ?? -1;
    const day = table.days[at];
    const total = day && table.series.reduce((sum, one) => sum + one.values[at], 0);
    const parts = table.series.map((one) => `${one.values[at]} ${one.name}`).join(", ");
    readout.textContent = day ? `${day}: ${total} ${total === 1 ? "company" : "companies"}, ${parts}` : rest;
  };
  const chart = new uPlot(options(table, area, tell), stacked(table), area);
  const choose = (index) => {
    chart.setCursor({ left: chart.valToPos(index, "x"), top: 0 });
    tell(index);
  };

  area.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: at < 0 ? last : at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(Math.min(Math.max(to, 0), last));
  });
  area.addEventListener("blur", () => {
    chart.setCursor({ left: -10, top: -10 });
    tell(null);
  });
  new ResizeObserver(() => chart.setSize(size(area))).observe(area);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw(false, true));
}

function read(table) {
  const rows = [...table.tBodies[0].rows].reverse();
  const heads = [...table.tHead.rows[0].cells];
  const number = (cell) => Number(cell.textContent.replace(/\D/g, ""));
  return {
    days: rows.map((row) => row.cells[0].textContent),
    labels: rows.map((row) => row.dataset.short),
    series: heads
      .filter((head) => head.dataset.series)
      .map((head) => ({
        name: head.dataset.series,
        tone: head.dataset.tone,
        values: rows.map((row) => number(row.cells[head.cellIndex])),
      })),
  };
}

// Each series reaches up to where the next one begins: the highest is drawn first, the others over it.
function stacked(table) {
  const sums = table.days.map(() => 0);
  const upTo = table.series.map((one) => one.values.map((value, index) => (sums[index] += value)));
  return [table.days.map((_, index) => index), ...upTo.reverse()];
}

const size = (area) => ({ width: area.clientWidth, height: area.clientHeight });

function options(table, area, tell) {
  const font = "12px Inter, system-ui, sans-serif";
  const axis = { font, stroke: () => role("--muted"), ticks: { show: false } };
  const bars = uPlot.paths.bars(BARS);
  const series = [...table.series].reverse().map((one) => ({
    label: one.name,
    paths: bars,
    points: { show: false },
    width: 0,
    fill: () => role(`--data-${one.tone}`),
  }));
  return {
    ...size(area),
    legend: { show: false },
    padding: [8, 22, 0, 0],
    cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { show: false } },
    hooks: { setCursor: [(chart) => chart.cursor.left >= 0 && tell(chart.cursor.idx)], ready: [leaves(tell)] },
    scales: {
      x: { time: false, range: [-0.5, table.days.length - 0.5] },
      y: { range: (_chart, _least, most) => [0, Math.max(most, 4) * 1.05] },
    },
    series: [{}, ...series],
    axes: [
      { ...axis, size: 26, grid: { show: false }, splits: () => ends(table.days.length), values: (_, at) => at.map((index) => table.labels[index]) },
      { ...axis, size: 36, gap: 4, grid: { stroke: () => role("--border"), width: 1 }, space: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000], values: (_, at) => at.map((value) => value.toLocaleString("en")) },
    ],
  };
}

const leaves = (tell) => (chart) => chart.over.addEventListener("pointerleave", () => tell(null));
const role = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A few days, evenly apart, the newest among them.
function ends(count) {
  const step = Math.max(1, Math.ceil(count / 6));
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => count - 1 - index * step).reverse();
}
