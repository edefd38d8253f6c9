/** Builds dist/: core.js, banner.js, their source maps, and the texts of all languages. The same input gives the same bytes. */

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { minify } from "terser";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, process.argv[2] ?? "dist");

/** Style sheets become strings without white space. */
const styles = {
  name: "styles",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      // The values of custom properties are left as they are written, with white space that nothing needs.
      return { contents: code.trim().replace(/(--[\w-]+): /g, "$1:").replace(/ ?([,/]) /g, "$1"), loader: "text" };
    });
  },
};

async function buildScript(name) {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: here,
    entryPoints: [`src/${name}/main.ts`],
    outfile: `dist/${name}.js`,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2021",
    charset: "utf8",
    sourcemap: "external",
    write: false,
    plugins: [styles],
    tsconfigRaw: {},
  });
  const [map, code] = ["map", "js"].map((end) => outputFiles.find(({ path }) => path.endsWith(`.${end}`)).text);
  // A second pass takes another 5 %: it puts functions that are called once into their place.
  const small = await minify(code, {
    ecma: 2020,
    compress: { passes: 6, ecma: 2020, unsafe_arrows: true, pure_getters: true },
    mangle: true,
    sourceMap: { content: map, filename: `${name}.js`, includeSources: true },
  });
  await writeFile(join(dist, `${name}.js`), `${small.code}\n`);
  await writeFile(join(dist, `${name}.js.map`), `${small.map}\n`);
}

async function buildTexts() {
  const folder = join(here, "src/banner/texts");
  const texts = {};
  for (const file of (await readdir(folder)).sort())
    texts[basename(file, ".json")] = JSON.parse(await readFile(join(folder, file), "utf8"));
  const keys = Object.keys(texts.en).join();
  for (const [language, found] of Object.entries(texts))
    if (Object.keys(found).join() !== keys) throw new Error(`texts/${language}.json: expected the keys of en.json, in their order`);
  await writeFile(join(dist, "texts.json"), `${JSON.stringify(texts, null, 1)}\n`);
}

await mkdir(dist, { recursive: true });
await Promise.all([buildScript("core"), buildScript("banner"), buildTexts()]);
