/** The only place that makes requests. */

/** Posts `body`; with `keepalive`, which is the default, also when the page closes meanwhile. */
export type Post = (
  path: string,
  body: object,
  credentials: RequestCredentials,
  keepalive?: boolean,
) => Promise<Response>;

/** Returns where requests go: what stands before `/f/<site>.js` in the script's address. */
export function findCollector({ src }: { readonly src: string }): string {
  return src.slice(0, src.lastIndexOf("/f/"));
}

/**
 * Makes the function that posts JSON to the collector.
 *
 * A string body is sent as `text/plain`, which needs no preflight. The page's address stays out of the
 * `Referer` header: what is needed of it is in the body of events, and must not come along with consent.
 */
export function createPost(collector: string): Post {
  return (path, body, credentials, keepalive = true) =>
    fetch(collector + path, {
      method: "POST",
      body: JSON.stringify(body),
      keepalive,
      credentials,
      referrerPolicy: "origin",
    });
}
