/** Builds dist/: core.js, banner.js, their source maps, and the texts of all languages. The same input gives the same bytes. */

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { minify } from "terser";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, process.argv[2] ?? "dist");

/**
 * Properties that only the script's own parts read of one another; in dist/ they are a letter long. None of the
 * browser's may be among them, which `checkNames` looks for, and none of the configuration, the wire or the page's
 * interface, which a test does.
 */
const OWN_NAMES = [
  "abandon api begin campaign carrier chars choose current decide ends enter failed forget gather granted hold hurry jar keep lasting lately",
  "informed letGo listen notice parts post quit recall renew reread report retain ruled say started tokens touch",
].flatMap((line) => line.split(" "));

async function checkNames() {
  const compilers = join(here, "node_modules/@typescript");
  const files = await readdir(compilers, { recursive: true });
  const libraries = files.filter((file) => /lib\.(dom|es\w*)[\w.]*\.d\.ts$/.test(file));
  if (!libraries.length) throw new Error(`${compilers}: expected TypeScript's libraries, which name what browsers have`);
  const text = (await Promise.all(libraries.map((file) => readFile(join(compilers, file), "utf8")))).join("");
  for (const name of OWN_NAMES)
    if (new RegExp(`^ +((static|readonly|get|set) )*${name}\\??[:(<]`, "m").test(text))
      throw new Error(`build.mjs: ${name} is a name of the browser's: the script's own parts need another`);
}

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

/** Answers the short names that were given, `shortened` among them: both scripts have to use the same. */
async function buildScript(name, shortened, format = "iife") {
  const { outputFiles, mangleCache } = await esbuild.build({
    absWorkingDir: here,
    entryPoints: [`src/${name}/main.ts`],
    outfile: `dist/${name}.js`,
    bundle: true,
    minify: true,
    format,
    target: "es2021",
    charset: "utf8",
    sourcemap: "external",
    mangleProps: new RegExp(`^(${OWN_NAMES.join("|")})$`),
    mangleCache: shortened,
    write: false,
    plugins: [styles],
    tsconfigRaw: {},
  });
  const [map, code] = ["map", "js"].map((end) => outputFiles.find(({ path }) => path.endsWith(`.${end}`)).text);
  // A second pass takes another 5 %: it puts functions that are called once into their place.
  const small = await minify(code, {
    module: format === "esm",
    ecma: 2020,
    compress: { passes: 6, ecma: 2020, unsafe_arrows: true, pure_getters: true },
    mangle: true,
    sourceMap: { content: map, filename: `${name}.js`, includeSources: true },
  });
  await writeFile(join(dist, `${name}.js`), `${small.code}\n`);
  await writeFile(join(dist, `${name}.js.map`), `${small.map}\n`);
  return mangleCache;
}

/** Each part's texts by language: the same languages, the same keys, in the same order. */
async function readTexts(part) {
  const folder = join(here, `src/${part}/texts`);
  const texts = {};
  for (const file of (await readdir(folder)).sort())
    texts[basename(file, ".json")] = JSON.parse(await readFile(join(folder, file), "utf8"));
  const keys = Object.keys(texts.en).join();
  for (const [language, found] of Object.entries(texts))
    if (Object.keys(found).join() !== keys) throw new Error(`${part}/texts/${language}.json: expected the keys of en.json, in their order`);
  return texts;
}

async function buildTexts() {
  const texts = { banner: await readTexts("banner"), preferences: await readTexts("preferences") };
  const [shown, lazy] = Object.values(texts).map((part) => Object.keys(part).join());
  if (shown !== lazy) throw new Error(`expected the same languages for both layers: ${shown} and ${lazy}`);
  await writeFile(join(dist, "texts.json"), `${JSON.stringify(texts, null, 1)}\n`);
}

await mkdir(dist, { recursive: true });
await checkNames();
let shortened = {};
for (const name of ["core", "rules", "signals", "banner"]) shortened = await buildScript(name, shortened);
await buildScript("preferences", shortened, "esm");
await buildTexts();
