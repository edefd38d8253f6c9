// Asks for the list anew when there is news. The server answers 204 where nothing shown changed; otherwise the rows
// are morphed, so that focus, selection and scroll position stay.
import { listen } from "./news.js";

const ARRIVED_MS = 2000;

export function bindLive(list, state) {
  let known = rows(list);
  let isPoll = false;
  let isWanted = false;

  const ask = () => {
    if (!isWanted) return;
    if (list.querySelector("[data-live]")) htmx.trigger(list, "firmly:refresh");
    else isWanted = false;
  };
  listen(() => {
    isWanted = true;
    ask();
  });
  // While an answer is waited for no further request is sent: then it is asked again afterwards.
  list.addEventListener("htmx:beforeSend", (event) => {
    if (event.detail.elt === list) isWanted = false;
  });
  document.body.addEventListener("htmx:afterRequest", () => setTimeout(ask));

  list.addEventListener("htmx:beforeSwap", (event) => {
    isPoll = event.detail.requestConfig.elt === list;
    known = rows(list);
  });
  list.addEventListener("htmx:afterSwap", () => {
    show(state, list.querySelector("[data-live]") ? "live" : "paused");
    if (isPoll) for (const row of list.querySelectorAll("tr[id]")) if (!known.has(key(row))) mark(row);
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) show(state, list.querySelector("[data-live]") ? "live" : "paused");
    else if (event.detail.xhr?.status !== 401) show(state, "stale");
  });
}

const key = (row) => `${row.id} ${row.dataset.version}`;
const rows = (list) => new Set([...list.querySelectorAll("tr[id]")].map(key));

function mark(row) {
  row.classList.add("arrived");
  setTimeout(() => row.classList.remove("arrived"), ARRIVED_MS);
}

function show(state, name) {
  if (!state || state.dataset.state === name) return;
  state.dataset.state = name;
  state.textContent = state.dataset[name];
}
