/** Runs the tests of test/: bundled into a temporary folder, then given to Node's own runner. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "firmly-snippet-"));
const tests = readdirSync(join(here, "test")).filter((name) => name.endsWith(".test.ts"));
buildSync({
  absWorkingDir: here,
  entryPoints: tests.map((name) => `test/${name}`),
  outdir: folder,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  tsconfigRaw: {},
});
const built = tests.map((name) => join(folder, name.replace(/\.ts$/, ".mjs")));
const { status } = spawnSync(process.execPath, ["--test", ...built], { stdio: "inherit" });
rmSync(folder, { recursive: true });
process.exit(status ?? 1);
