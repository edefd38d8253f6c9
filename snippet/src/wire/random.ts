/** Returns 128 random bits as 32 hexadecimal digits. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return bytes.reduce((text, byte) => text + (byte + 256).toString(16).slice(1), "");
}
