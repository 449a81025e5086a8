// Stage 2: r⁻¹ mod n.
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "lib/secp256k1-recover-record.wgsl"
#include "lib/secp256k1-invert-scalars.wgsl"

const INVERTED = RECORD_R;
