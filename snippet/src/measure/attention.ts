/** How long a page was read: pauses count, but not long ones. */

/** A pause counts as reading for this long after the last sign of the visitor. */
export const LONGEST_PAUSE_MS = 15_000;

export interface Attention {
  /** The visitor did something. */
  notice(): void;
  /** Returns the active milliseconds since the last call; `goesOn` is false when the page goes out of sight. */
  gather(goesOn: boolean): number;
}

export function createAttention(now: () => number): Attention {
  let active = 0;
  let last = NaN;

  function notice(): void {
    // Out of sight `last` is NaN, and nothing is added.
    active += Math.min(now() - last, LONGEST_PAUSE_MS) || 0;
    last = now();
  }

  return {
    notice,
    gather(goesOn) {
      notice();
      if (!goesOn) last = NaN;
      const taken = active;
      active = 0;
      return taken;
    },
  };
}
