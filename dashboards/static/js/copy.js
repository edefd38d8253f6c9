// [data-copy="id"] copies the text of the element with that id, and says so for two seconds.
export function bindCopy(root) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const label = button.querySelector("[data-copy-label]");
    const said = label.textContent;
    label.textContent = (await copied(document.getElementById(button.dataset.copy))) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (label.textContent = said), 2000);
  });
}

async function copied(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // Without https there is no clipboard: select the text, so that one key is enough.
    getSelection().selectAllChildren(source);
    return false;
  }
}
