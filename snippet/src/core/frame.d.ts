import type { Frame } from "./config.ts";

declare global {
  /** The parameter of the function that the collector puts around core.js and banner.js (see README.md). */
  const F: Frame;
}
