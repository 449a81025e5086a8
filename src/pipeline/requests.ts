/**
 * The commitment to execution-layer requests (EIP-7685): sha256 over the sha256 of each non-empty request.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** `requestsHash` of these requests, each type byte ‖ data; those without data do not count. */
export function requestsHashOf(requests: readonly Uint8Array[]): Uint8Array {
  const outer = createHash("sha256");
  for (const request of requests) {
    if (request.length > 1) outer.update(createHash("sha256").update(request).digest());
  }
  return outer.digest();
}
