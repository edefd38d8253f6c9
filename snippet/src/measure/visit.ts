/** The visit: a random id that ends with the visit. It says nothing about who, and is never used twice. */

import type { Box } from "../core/storage.ts";

const VISIT = "firmly_visit";
export const IDLE_MS = 30 * 60_000;
export const LONGEST_MS = 24 * 60 * 60_000;
const CAMPAIGN = /\b(utm_(source|medium|campaign)=[^&]+|(\w\w?clid|msclkid|li_fat_id|[gw]braid)=)/g;

interface Visit {
  readonly id: string;
  readonly started: number;
  lately: number;
  readonly campaign: string;
}

export interface Visits {
  /** Returns the id to send with; a new one where the visit is over or `campaign` ("" for none) is another. */
  enter(campaign: string): string;
  /** Notes that the visitor is active; false when the visit was already over. */
  touch(): boolean;
  /** Forgets the visit here and on the device. */
  quit(): void;
}

/** Returns the campaign that an address names, "" for none. Of click ids only their presence counts. */
export function readCampaign(search: string): string {
  return search.match(CAMPAIGN)?.join("&") ?? "";
}

/** Reads `<id> <started> <last> <campaign>`; null where that does not begin with an id. */
function parse(text: string | null): Visit | null {
  const [id, started, last, campaign] = (text ?? "").split(" ") as [string, string, string, string];
  return /^[\da-f]{32}$/.test(id) ? { id, started: +started, lately: +last, campaign } : null;
}

/** `persists` tells whether the device may keep the visit (session storage): only with consent. */
export function createVisits(session: Box, persists: () => boolean, now: () => number, newId: () => string): Visits {
  let held: Visit | null = null;

  function isOver(visit: Visit): boolean {
    return now() - visit.lately > IDLE_MS || now() - visit.started > LONGEST_MS;
  }

  function save(visit: Visit): void {
    visit.lately = now();
    if (persists()) session.retain(VISIT, `${visit.id} ${visit.started} ${visit.lately} ${visit.campaign}`);
  }

  return {
    enter(campaign) {
      held ??= persists() ? parse(session.recall(VISIT)) : null;
      if (!held || isOver(held) || (campaign && campaign !== held.campaign)) {
        held = { id: newId(), started: now(), lately: now(), campaign };
      }
      save(held);
      return held.id;
    },
    touch() {
      if (!held || isOver(held)) return false;
      save(held);
      return true;
    },
    quit() {
      held = null;
      session.retain(VISIT, null);
    },
  };
}
