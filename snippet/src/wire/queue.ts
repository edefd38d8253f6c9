/** Events on their way to the collector: in memory only, bounded, tried again for a while. */

export const MOST_EVENTS = 20;
export const MOST_TRIES = 5;

export interface Batch<Event> {
  /** Stays the same when the batch is tried again, so that the collector counts it once. */
  readonly id: string;
  readonly visit: string;
  readonly events: readonly Event[];
}

export interface Queue<Event> {
  /** Adds an event; it leaves with others of the same turn. Dropped where the queue is full. */
  push(visit: string, event: Event): void;
  /** Sends what waits, now: the page may be going away. */
  flush(): void;
  /** Drops what waits and what would be tried again. */
  clear(): void;
}

/**
 * Makes a queue.
 *
 * `send` answers true when the batch is settled (taken or refused for good) and false to try again; it must
 * not reject. `later` is `setTimeout`; `random` answers 0 to 1.
 */
export function createQueue<Event>(
  send: (batch: Batch<Event>) => Promise<boolean>,
  newId: () => string,
  later: (work: () => void, delayMs: number) => void,
  random: () => number,
): Queue<Event> {
  let waiting: { visit: string; events: Event[] }[] = [];
  let held = 0;
  let generation = 0;

  async function ship(batch: Batch<Event>, tries: number, born: number): Promise<void> {
    if (born !== generation) return;
    if ((await send(batch)) || tries === MOST_TRIES) {
      if (born === generation) held -= batch.events.length;
      return;
    }
    // Doubling with jitter, so that all open pages do not come back to a recovering collector at once.
    later(() => void ship(batch, tries + 1, born), 1000 * 2 ** tries * (0.5 + random()));
  }

  function flush(): void {
    const leaving = waiting;
    // Sending the first may find that consent is gone, and clear: then the others are of another generation.
    const born = generation;
    waiting = [];
    for (const { visit, events } of leaving) void ship({ id: newId(), visit, events }, 1, born);
  }

  return {
    push(visit, event) {
      if (held === MOST_EVENTS) return;
      held++;
      const last = waiting[waiting.length - 1];
      if (!last) later(flush, 0);
      if (last?.visit === visit) last.events.push(event);
      else waiting.push({ visit, events: [event] });
    },
    flush,
    clear() {
      generation++;
      held = 0;
      waiting = [];
    },
  };
}
