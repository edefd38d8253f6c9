/** Web storage that may be switched off, full or forbidden: reads answer null, writes are forgotten. */

import { safely } from "./safely.ts";

export interface Box {
  recall(key: string): string | null;
  /** Writes `value`, or removes the key where it is null or empty. */
  retain(key: string, value: string | null): void;
}

/** Wraps a storage. `open` is called at each use, never before: even the getter may throw, and counts as access. */
export function createBox(open: () => Storage): Box {
  return {
    recall(key) {
      try {
        return open().getItem(key);
      } catch {
        return null;
      }
    },
    retain(key, value) {
      // Without storage a visit lasts as long as the page.
      safely(() => (value ? open().setItem(key, value) : open().removeItem(key)));
    },
  };
}
