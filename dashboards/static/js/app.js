// The behaviours of the pages; each binds itself to what carries its data- attribute.
import { bindBulk } from "./bulk.js";
import { bindChart } from "./chart.js";
import { bindColumns } from "./columns.js";
import { bindCopy } from "./copy.js";
import { bindFilters } from "./filters.js";
import { bindKeys } from "./keys.js";
import { bindLive } from "./live.js";
import { bindMenu } from "./menu.js";
import { bindPlot } from "./plot.js";
import { bindStorage } from "./storage.js";
import { bindSubmit } from "./submit.js";

for (const chart of document.querySelectorAll("[data-chart]")) bindChart(chart);
for (const form of document.querySelectorAll("[data-columns]")) bindColumns(form);
bindCopy(document);
for (const filters of document.querySelectorAll("[data-filters]")) bindFilters(filters);
bindKeys(document);
bindMenu(document);
for (const plot of document.querySelectorAll("[data-plot]")) bindPlot(plot);
bindStorage(document);
for (const form of document.querySelectorAll("[data-submit-on-change]")) bindSubmit(form);
const list = document.querySelector("[data-live-list]");
const bulk = document.querySelector("[data-bulk]");
if (list && bulk) bindBulk(bulk, list);
if (list) bindLive(list, document.querySelector("[data-live-state]"));
