// What the generated scalar arithmetic needs a loop for.
#include "generated/secp256k1-scalar.wgsl"

// x^(n-2), the inverse. x: limbs ≤ 8192, not 0 mod n.
fn scInverse(x: Limbs) -> Limbs {
  var t = SC_ONE;
  for (var bit = 256u; bit > 0u; bit--) {
    t = scMul(t, t);
    if (((SC_INVERSE_EXPONENT[(bit - 1u) >> 5u] >> ((bit - 1u) & 31u)) & 1u) == 1u) {
      t = scMul(t, x);
    }
  }
  return t;
}
