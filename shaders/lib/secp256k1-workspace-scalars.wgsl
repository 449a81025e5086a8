// Scalars in the workspace.
fn loadLimbs(row: u32, item: u32) -> Limbs {
  let first = row * 10u;
  return scFromMemory(Pairs(
    #repeat 10 loadWord(first + $u, item),
  ));
}

fn storeLimbs(row: u32, item: u32, x: Limbs) {
  let first = row * 10u;
  let pairs = scToMemory(x);
  #repeat 10 storeWord(first + $u, item, pairs[$]);
}
