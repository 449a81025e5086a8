// Big-endian numbers of a record, whose layout the row names: RECORD_WORDS and the fields' first words.
#include "lib/bytes.wgsl"
@group(0) @binding(2) var<storage, read> records: array<u32>;

// Set in a record's flags: s > n/2 is invalid (EIP-2).
const REQUIRE_LOW_S = 1u;

// A 256-bit number of the record, as words, least first.
fn recordNumber(item: u32, field: u32) -> Words {
  let at = item * RECORD_WORDS + field;
  return Words(
    swapBytes(records[at + 7u]), swapBytes(records[at + 6u]), swapBytes(records[at + 5u]),
    swapBytes(records[at + 4u]), swapBytes(records[at + 3u]), swapBytes(records[at + 2u]),
    swapBytes(records[at + 1u]), swapBytes(records[at]));
}

fn isZero(w: Words) -> bool {
  return (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7]) == 0u;
}
