// What the generated field needs loops for: powers, and the questions asked of an element.
#include "generated/secp256k1-field.wgsl"

// Whether x ≡ 0. x: tight.
fn feIsZero(x: Fe) -> bool {
  let c = feCanonical(x);
  return (0u
    #repeat FE_LIMBS | c[$]
  ) == 0u;
}

// x^((p+1)/4), a square root where x is a square (p ≡ 3 mod 4); or x^(p-2), the inverse, 0 for 0. x: tight.
// One squaring and one multiplication are inlined, whatever the length of the chain: drivers compile what is inlined.
fn fePower(x1: Fe, inverse: bool) -> Fe {
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

fn feSqrt(x: Fe) -> Fe {
  return fePower(x, false);
}

fn feInverse(x: Fe) -> Fe {
  return fePower(x, true);
}
