/** Tells the vendors of the choice that stands, and of every change. */

import { safely } from "../core/safely.ts";
import { createSignals, type Vendors } from "./say.ts";

safely(() => {
  const consent = F.parts?.consent;
  if (!consent) return;
  const signal = createSignals(F, globalThis as Vendors);
  const tell = (): void => signal(consent.granted() ?? F.informed ?? null);
  tell();
  consent.listen(tell);
  void F.ruled?.then(tell);
});
