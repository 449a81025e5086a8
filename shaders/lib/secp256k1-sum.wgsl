// The running sum in the workspace.
fn loadSum(item: u32) -> Point {
  return Point(loadLimbs(SUM_X, item), loadLimbs(SUM_Y, item), loadLimbs(SUM_Z, item));
}

fn storeSum(item: u32, sum: Point) {
  storeLimbs(SUM_X, item, sum.x);
  storeLimbs(SUM_Y, item, sum.y);
  storeLimbs(SUM_Z, item, sum.z);
}
