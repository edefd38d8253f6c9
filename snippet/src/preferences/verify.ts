/**
 * Checks a receipt by itself: that each record is what was committed to, and where it stands in the signed log.
 *
 * Source: RFC 9162, 2.1.3.2 (inclusion proofs); docs/CONSENT.md for what is hashed and signed.
 */

interface Head {
  readonly site: string;
  readonly size: number;
  readonly minute: string;
  readonly root: string;
  readonly last: string;
  readonly key: string;
  readonly signature: string;
}

interface Proof {
  readonly sequence: number;
  readonly kind: string;
  readonly minute: string;
  readonly proof: string;
  readonly nonce: string;
  readonly link_commitment: string;
  readonly previous: string;
  readonly hash: string;
  readonly path: readonly (readonly ["left" | "right", string])[];
}

/** What a record says, and has to say in the text that was committed to. */
const SAID = ["action", "state", "source", "categories", "banner", "minute", "expires_on"] as const;

type Said = Readonly<Record<(typeof SAID)[number], unknown>>;

export interface Receipt {
  readonly site: string;
  readonly records: readonly (Said & { readonly log: Proof })[];
  readonly head: Head;
  readonly keys: readonly { readonly id: string; readonly public: string }[];
}

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

function unhex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function unbase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
}

async function digest(...parts: Uint8Array<ArrayBuffer>[]): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function isInLog({ site, head }: Receipt, record: Receipt["records"][number]): Promise<boolean> {
  const { log } = record;
  const committed: Said = JSON.parse(log.proof);
  if (SAID.some((key) => JSON.stringify(committed[key]) !== JSON.stringify(record[key]))) return false;
  const commitment = await digest(unhex(log.nonce), encode(log.proof));
  const { sequence, minute, kind, link_commitment, previous } = log;
  const entry = ["firmly.consent-log.v1", site, sequence, minute, kind, commitment, link_commitment, previous];
  const hash = await digest(encode(entry.join("\n")));
  let node = await digest(unhex("00"), unhex(hash));
  for (const [side, other] of log.path)
    node = await digest(unhex("01"), ...(side === "left" ? [unhex(other), unhex(node)] : [unhex(node), unhex(other)]));
  return hash === log.hash && node === head.root;
}

async function isSigned({ head, keys }: Receipt): Promise<boolean> {
  const key = keys.find(({ id }) => id === head.key);
  const raw = unbase64(key?.public ?? "");
  if (!(await digest(raw)).startsWith(head.key)) return false;
  const signer = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  const said = ["firmly.consent-head.v1", head.site, head.size, head.minute, head.root, head.last].join("\n");
  return crypto.subtle.verify("Ed25519", signer, unbase64(head.signature), encode(said));
}

/** Answers where the newest record stands in the log and when that was signed, null where anything does not hold. */
export async function verify(receipt: Receipt): Promise<{ sequence: string; size: string; date: string } | null> {
  const { head, records } = receipt;
  const held = await Promise.all(records.map((record) => isInLog(receipt, record)));
  if (!records[0] || held.includes(false) || head.site !== receipt.site || !(await isSigned(receipt))) return null;
  const newest = Math.max(...records.map(({ log }) => log.sequence));
  return { sequence: `${newest + 1}`, size: `${head.size}`, date: head.minute };
}
