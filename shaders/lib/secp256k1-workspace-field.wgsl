// Field elements in the workspace.
fn loadFe(row: u32, item: u32) -> Fe {
  let first = row * 10u;
  return feFromMemory(FeMemory(
    #repeat FE_WORDS loadWord(first + $u, item),
  ));
}

fn storeFe(row: u32, item: u32, x: Fe) {
  let first = row * 10u;
  let words = feToMemory(x);
  #repeat FE_WORDS storeWord(first + $u, item, words[$]);
}
