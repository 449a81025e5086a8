// The table of an item's point: entry m - 1 holds X, Y, Z and βX of mP for m = 1 … 8. Item-major, since
// neighbouring invocations read different entries: 320 words an item, or 256 where an element takes 8.
const TABLE_ENTRIES = 8u;
const TABLE_X = 0u;
const TABLE_Y = FE_WORDS;
const TABLE_Z = 2u * FE_WORDS;
const TABLE_BETA_X = 3u * FE_WORDS;

fn tableOffset(item: u32, multiple: u32) -> u32 {
  return (item * TABLE_ENTRIES + multiple - 1u) * 4u * FE_WORDS;
}
