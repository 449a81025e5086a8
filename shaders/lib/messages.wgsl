// What rows have whose records are messages and whose results are 32 bytes.
#include "lib/arena.wgsl"
@group(0) @binding(1) var<storage, read> records: array<Message>;
@group(0) @binding(3) var<storage, read_write> verdicts: array<u32>;
@group(0) @binding(4) var<storage, read_write> results: array<u32>;

fn refuse(item: u32) {
  verdicts[item] = VERDICT_MESSAGE_OUT_OF_BOUNDS;
  for (var word = 0u; word < 8u; word++) {
    results[item * 8u + word] = 0u;
  }
}
