// The behaviours of the pages; each binds itself to what carries its data- attribute.
import { bindChart } from "./chart.js";
import { bindCopy } from "./copy.js";
import { bindKeys } from "./keys.js";
import { bindLive } from "./live.js";
import { bindMenu } from "./menu.js";

for (const chart of document.querySelectorAll("[data-chart]")) bindChart(chart);
bindCopy(document);
bindKeys(document);
bindMenu(document);
const list = document.querySelector("[data-live-list]");
if (list) bindLive(list, document.querySelector("[data-live-state]"));
