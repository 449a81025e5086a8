// What the generated field needs loops for: powers, and the questions asked of an element.
#include "generated/secp256k1-field.wgsl"

// 1 where x ≡ 0. x: limbs ≤ 8192.
fn feIsZero(x: Limbs) -> bool {
  let c = feCanonical(x);
  return (c[0] | c[1] | c[2] | c[3] | c[4] | c[5] | c[6] | c[7] | c[8] | c[9] | c[10] | c[11] | c[12] |
          c[13] | c[14] | c[15] | c[16] | c[17] | c[18] | c[19]) == 0u;
}

// x^((p+1)/4), a square root where x is a square (p ≡ 3 mod 4); or x^(p-2), the inverse, 0 for 0. x: limbs ≤ 8192.
// One squaring and one multiplication are inlined, whatever the length of the chain: drivers compile what is inlined.
fn fePower(x1: Limbs, inverse: bool) -> Limbs {
  var x2 = x1;
  var x3 = x1;
  var x22 = x1;
  var x44 = x1;
  var t = x1;
  let steps = select(14u, 15u, inverse);
  for (var step = 0u; step < steps; step++) {
    var code = 0u;
    if (inverse) {
      code = FE_INVERSE_CHAIN[step];
    } else {
      code = FE_SQRT_CHAIN[min(step, 13u)];
    }
    var factor = t;
    for (var i = 0u; i < (code & 0xffu); i++) {
      t = feSqr(t);
    }
    let by = (code >> 8u) & 0xfu;
    switch (by) {
      case 1u: { factor = x1; }
      case 2u: { factor = x2; }
      case 3u: { factor = x3; }
      case 4u: { factor = x22; }
      case 5u: { factor = x44; }
      default: {}
    }
    if (by != 0u) {
      t = feMul(t, factor);
    }
    switch (code >> 12u) {
      case 2u: { x2 = t; }
      case 3u: { x3 = t; }
      case 4u: { x22 = t; }
      case 5u: { x44 = t; }
      default: {}
    }
  }
  return t;
}

fn feSqrt(x: Limbs) -> Limbs {
  return fePower(x, false);
}

fn feInverse(x: Limbs) -> Limbs {
  return fePower(x, true);
}
