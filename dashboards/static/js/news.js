// Hears from the server that something changed. Where that fails - no stream, too many of them, a proxy that keeps it
// back - `refresh` is called now and then anyway; and every minute, so that times said in words stay true.
const ADDRESS = "/app/news";
const SLOW_MS = 10_000;
const MINUTE_MS = 60_000;
const AGAIN_MS = 5_000;

export function listen(refresh) {
  let source, slow, again, minute;

  const close = () => {
    source?.close();
    source = undefined;
    clearTimeout(again);
  };
  const open = () => {
    close();
    source = new EventSource(ADDRESS);
    source.onopen = () => {
      clearInterval(slow);
      slow = undefined;
      refresh(); // What changed before it was open.
    };
    source.onmessage = refresh;
    source.onerror = () => {
      close();
      slow ??= setInterval(refresh, SLOW_MS);
      // Not all pages at the same moment.
      again = setTimeout(open, AGAIN_MS * (1 + Math.random()));
    };
  };
  const look = () => {
    const isSeen = document.visibilityState === "visible";
    clearInterval(minute);
    if (isSeen) {
      minute = setInterval(refresh, MINUTE_MS);
      if (!source) open();
    } else {
      close();
      clearInterval(slow);
      slow = undefined;
    }
  };
  document.addEventListener("visibilitychange", look);
  // A browser has few connections to one host over HTTP/1.1: a page that it keeps for "back" must not hold one.
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && look());
  look();
}
