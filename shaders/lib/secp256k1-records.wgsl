// Records of secp256k1-recover: z, r, s (32 bytes each, big-endian), recoveryId, flags; 26 words.
#include "lib/bytes.wgsl"
@group(0) @binding(2) var<storage, read> records: array<u32>;

const RECORD_Z = 0u;
const RECORD_R = 8u;
const RECORD_S = 16u;
const RECORD_RECOVERY_ID = 24u;
const RECORD_FLAGS = 25u;

// A 256-bit number of the record, as words, least first.
fn recordNumber(item: u32, field: u32) -> Words {
  let at = item * 26u + field;
  return Words(
    swapBytes(records[at + 7u]), swapBytes(records[at + 6u]), swapBytes(records[at + 5u]),
    swapBytes(records[at + 4u]), swapBytes(records[at + 3u]), swapBytes(records[at + 2u]),
    swapBytes(records[at + 1u]), swapBytes(records[at]));
}
