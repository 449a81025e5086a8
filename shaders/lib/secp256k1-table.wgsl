// The table of an item's point: entry m - 1 holds X, Y, Z and βX of mP for m = 1 … 8, 10 words each. Item-major, since
// neighbouring invocations read different entries: 320 words an item, 40 an entry.
const TABLE_ENTRIES = 8u;
const TABLE_X = 0u;
const TABLE_Y = 10u;
const TABLE_Z = 20u;
const TABLE_BETA_X = 30u;

fn tableOffset(item: u32, multiple: u32) -> u32 {
  return item * 320u + (multiple - 1u) * 40u;
}
