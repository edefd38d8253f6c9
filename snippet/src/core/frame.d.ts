import type { Frame } from "./config.ts";

declare global {
  /** The parameter of the function that the collector puts around the parts (see README.md). */
  const F: Frame;
}
