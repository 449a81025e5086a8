// The running sum in the workspace.
fn loadSum(item: u32) -> Point {
  return Point(loadFe(SUM_X, item), loadFe(SUM_Y, item), loadFe(SUM_Z, item));
}

fn storeSum(item: u32, sum: Point) {
  storeFe(SUM_X, item, sum.x);
  storeFe(SUM_Y, item, sum.y);
  storeFe(SUM_Z, item, sum.z);
}
