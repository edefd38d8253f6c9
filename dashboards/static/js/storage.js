// htmx notes the page's address in the tab's storage, also where it is told to keep no history. Pages keep
// nothing on a member's device but two cookies, so the note goes as soon as it is written.
const NOTE = "htmx-current-path-for-history";
const WRITTEN = ["htmx:pushedIntoHistory", "htmx:replacedInHistory", "htmx:historyRestore"];

export function bindStorage(root) {
  forget();
  for (const event of WRITTEN) root.addEventListener(event, forget);
}

function forget() {
  try {
    sessionStorage.removeItem(NOTE);
  } catch {
    // No storage, no note.
  }
}
