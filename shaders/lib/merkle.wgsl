// One level of a Merkle tree: parent i is the hash of nodes 2i and 2i + 1. What is missing on the right is the root of an empty tree
// of that height, as SSZ pads; one invocation more than there are parents hashes the empty tree of the next height.
//
// Nodes are 8 words. The empty trees lie first, heights 0 … depth, then the leaves, then every level above them.
@group(0) @binding(0) var<storage, read_write> nodes: array<u32>;

struct Level {
  // Nodes of this level, and of the next: its parents.
  count: u32,
  parents: u32,
  // First node of this level, of the next, and this level's empty tree.
  first: u32,
  firstParent: u32,
  empty: u32,
}
@group(0) @binding(1) var<uniform> level: Level;

override workgroupSize: u32 = 64u;

fn childOf(parent: u32, side: u32) -> u32 {
  let child = parent * 2u + side;
  if (parent < level.parents && child < level.count) {
    return level.first + child;
  }
  return level.empty;
}

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let parent = id.x;
  if (parent > level.parents) {
    return;
  }
  let result = select(level.empty + 1u, level.firstParent + parent, parent < level.parents);
  hashPair(childOf(parent, 0u) * 8u, childOf(parent, 1u) * 8u, result * 8u);
}
