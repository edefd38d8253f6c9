/** Events on their way to the collector: in memory only, bounded, tried again for a while. */

/**
 * How many characters are held, those on their way included. As UTF-8 they are at most 60,000 bytes: all of it fits into
 * one request, and into the 64 KiB that browsers let a page that closes leave behind.
 */
export const MOST_HELD = 20_000;
/** What an event counts beside its characters: its part of a request, and so that never more than 50 are in one. */
export const SHARE = 400;
/** For how long a batch is tried: well below the ten minutes for which the collector recognises it. */
export const LONGEST_MS = 5 * 60_000;
const FIRST_WAIT_MS = 1000;

export interface Batch<Event> {
  /** Stays the same when the batch is tried again, so that the collector counts it once. */
  readonly id: string;
  readonly visit: string;
  readonly events: Event[];
}

export interface Queue<Event> {
  /** Adds an event; it leaves with others of the same turn. Dropped where the queue is full. */
  report(visit: string, event: Event): void;
  /** Sends what waits, now: the page may be going away. What the collector asked to hold back stays. */
  hurry(): void;
  /** Drops what waits and what would be tried again. */
  abandon(): void;
}

interface Parcel<Event> extends Batch<Event> {
  chars: number;
  readonly ends: number;
}

/**
 * Makes a queue.
 *
 * `send` answers undefined when the batch is settled (taken or refused for good), else after how many milliseconds at
 * least to try again, 0 where the collector did not say; it must not reject. `later` is `setTimeout`; `random` answers
 * 0 to 1.
 */
export function createQueue<Event>(
  send: (batch: Batch<Event>, keepalive: boolean) => Promise<number | undefined>,
  newId: () => string,
  later: (work: () => void, delayMs: number) => void,
  now: () => number,
  random: () => number,
): Queue<Event> {
  type Again = (keepalive: boolean) => void;
  let waiting: Parcel<Event>[] = [];
  /** What rests before it is tried again, and for how long the collector asked. Another map after `abandon`. */
  let resting = new Map<Again, number>();
  let held = 0;

  async function ship(parcel: Parcel<Event>, born: typeof resting, waitMs: number, keepalive: boolean): Promise<void> {
    // A device may have slept: then the time is over, whatever the timers think.
    const askedMs = born === resting && now() < parcel.ends ? await send(parcel, keepalive) : undefined;
    if (born !== resting) return;
    if (askedMs === undefined) {
      held -= parcel.chars;
      return;
    }
    const again: Again = (keepalive) => born.delete(again) && void ship(parcel, born, waitMs * 2, keepalive);
    born.set(again, askedMs);
    // Jitter, so that all open pages do not come back to a recovering collector at once. Every second try does without
    // keepalive: where others on the page have used up its 64 KiB, that fails like a broken network.
    later(() => again(!keepalive), Math.min(Math.max(waitMs, askedMs) * (1 + random() / 2), LONGEST_MS));
  }

  function leave(): void {
    // Sending the first may find that consent is gone, and clear: then the others are of another generation.
    const born = resting;
    for (const parcel of waiting.splice(0)) void ship(parcel, born, FIRST_WAIT_MS, true);
  }

  return {
    report(visit, event) {
      const chars = JSON.stringify(event).length + SHARE;
      if (held + chars > MOST_HELD) return;
      held += chars;
      let last = waiting[waiting.length - 1];
      if (!last) later(leave, 0);
      if (last?.visit !== visit) {
        last = { id: newId(), visit, events: [], chars: 0, ends: now() + LONGEST_MS };
        waiting.push(last);
      }
      last.events.push(event);
      last.chars += chars;
    },
    hurry() {
      for (const [again, askedMs] of resting) if (!askedMs) again(true);
      leave();
    },
    abandon() {
      resting = new Map();
      held = 0;
      waiting = [];
    },
  };
}
