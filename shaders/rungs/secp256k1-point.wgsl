// Test entries: a point formula an item. p and q go in as 60 limbs each, 60 limbs come out.
#include "generated/secp256k1-field.wgsl"
#include "generated/secp256k1-point.wgsl"

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

fn load(at: u32) -> Limbs {
  var x: Limbs;
  for (var i = 0u; i < 20u; i++) {
    x[i] = input[at + i];
  }
  return x;
}

fn loadPoint(at: u32) -> Point {
  return Point(load(at), load(at + 20u), load(at + 40u));
}

fn store(item: u32, p: Point) {
  for (var i = 0u; i < 20u; i++) {
    output[item * 60u + i] = p.x[i];
    output[item * 60u + 20u + i] = p.y[i];
    output[item * 60u + 40u + i] = p.z[i];
  }
}

@compute @workgroup_size(64)
fn double(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = id.x * 120u;
  if (at < arrayLength(&input)) {
    store(id.x, geDouble(loadPoint(at)));
  }
}

@compute @workgroup_size(64)
fn add(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = id.x * 120u;
  if (at < arrayLength(&input)) {
    store(id.x, geAdd(loadPoint(at), loadPoint(at + 60u)));
  }
}

@compute @workgroup_size(64)
fn addMixed(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = id.x * 120u;
  if (at < arrayLength(&input)) {
    store(id.x, geAddMixed(loadPoint(at), AffinePoint(load(at + 60u), load(at + 80u))));
  }
}
