/** Asks for the rule of the visitor's country. Served only to sites whose controller has made rules for countries. */

import { safely } from "../core/safely.ts";
import { askForRule } from "./rule.ts";

safely(() => {
  const { parts } = F;
  if (parts) askForRule(F, parts.consent, parts.post, setTimeout);
});
