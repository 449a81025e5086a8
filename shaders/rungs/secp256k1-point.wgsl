// Test entries: a point formula an item. p and q go in as three coordinates each, three come out.
#include "generated/secp256k1-field.wgsl"
#include "generated/secp256k1-point.wgsl"

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

fn load(at: u32) -> Fe {
  var x: Fe;
  for (var i = 0u; i < FE_LIMBS; i++) {
    x[i] = input[at + i];
  }
  return x;
}

fn loadPoint(at: u32) -> Point {
  return Point(load(at), load(at + FE_LIMBS), load(at + 2u * FE_LIMBS));
}

fn store(item: u32, p: Point) {
  let at = item * 3u * FE_LIMBS;
  for (var i = 0u; i < FE_LIMBS; i++) {
    output[at + i] = p.x[i];
    output[at + FE_LIMBS + i] = p.y[i];
    output[at + 2u * FE_LIMBS + i] = p.z[i];
  }
}

@compute @workgroup_size(64)
fn double(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = id.x * 6u * FE_LIMBS;
  if (at < arrayLength(&input)) {
    store(id.x, geDouble(loadPoint(at)));
  }
}

@compute @workgroup_size(64)
fn add(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = id.x * 6u * FE_LIMBS;
  if (at < arrayLength(&input)) {
    store(id.x, geAdd(loadPoint(at), loadPoint(at + 3u * FE_LIMBS)));
  }
}

@compute @workgroup_size(64)
fn addMixed(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = id.x * 6u * FE_LIMBS;
  if (at < arrayLength(&input)) {
    store(id.x, geAddMixed(loadPoint(at), AffinePoint(load(at + 3u * FE_LIMBS), load(at + 4u * FE_LIMBS))));
  }
}
