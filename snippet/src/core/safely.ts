/** Runs `work`; whatever goes wrong inside stays inside: the page that embeds the script must not notice. */
export function safely(work: () => unknown): void {
  try {
    work();
  } catch {
    // There is nobody to tell: the console belongs to the page.
  }
}
