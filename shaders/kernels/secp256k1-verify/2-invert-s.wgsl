// Stage 2: s⁻¹ mod n.
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "lib/secp256k1-verify-record.wgsl"
#include "lib/secp256k1-invert-scalars.wgsl"

const INVERTED = RECORD_S;
