/** Removes what services stored, wherever it may be: a cookie goes only with the domain and path it was set with. */

import type { Service } from "./services.ts";

function fits(name: string, pattern: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** Every path that leads to the page, with and without its last slash: a cookie may belong to any of them. */
function listPaths(): string[] {
  const parts = location.pathname.split("/").slice(1);
  const paths = parts.flatMap((_part, index) => {
    const path = `/${parts.slice(0, index + 1).join("/")}`;
    return [path, `${path}/`];
  });
  return ["/", ...paths];
}

/** No domain, and the host with each of its parents. */
function listDomains(): string[] {
  const labels = location.hostname.split(".");
  return ["", ...labels.map((_label, index) => `;domain=${labels.slice(index).join(".")}`)];
}

function clearCookie(name: string): void {
  for (const path of listPaths())
    for (const domain of listDomains())
      // A partitioned cookie is another one.
      for (const kind of ["", ";secure;partitioned"]) document.cookie = `${name}=;max-age=0;path=${path}${domain}${kind}`;
}

function clearItems(storage: () => Storage, patterns: readonly string[]): void {
  try {
    const items = storage();
    for (const key of Object.keys(items)) if (patterns.some((pattern) => fits(key, pattern))) items.removeItem(key);
  } catch {
    // Storage is switched off.
  }
}

async function clearDatabases(patterns: readonly string[]): Promise<void> {
  for (const { name } of patterns.length && indexedDB.databases ? await indexedDB.databases() : [])
    if (name && patterns.some((pattern) => fits(name, pattern))) indexedDB.deleteDatabase(name);
}

function clearNow(services: readonly Service[]): void {
  const of = (wanted: string): string[] =>
    services.flatMap(({ stores }) => stores.filter(([, kind]) => kind === wanted).map(([name]) => name));
  const cookies = of("cookie");
  for (const cookie of document.cookie.split("; ")) {
    const name = cookie.split("=", 1)[0] as string;
    if (cookies.some((pattern) => fits(name, pattern))) clearCookie(name);
  }
  clearItems(() => localStorage, of("local"));
  clearItems(() => sessionStorage, of("session"));
  clearDatabases(of("indexed_db")).catch(() => {});
}

/** What was cleared and not granted again since, by category. */
const cleared = new Map<string, readonly Service[]>();

/**
 * Clears what the services of `categories` stored, now and again when the page goes: scripts that run already may have
 * stored something since. What `isGranted` by then is left alone.
 */
export function clearServices(
  services: readonly Service[],
  categories: readonly string[],
  isGranted: (category: string) => boolean,
): void {
  if (!cleared.size)
    addEventListener("pagehide", () => {
      for (const [category, own] of cleared) if (!isGranted(category)) clearNow(own);
    });
  for (const category of categories) {
    const own = services.filter((service) => service.category === category);
    cleared.set(category, own);
    clearNow(own);
  }
}
