// Records of secp256k1-verify: z, r, s, and x and y of the key (32 bytes each, big-endian), flags.
#include "lib/secp256k1-records.wgsl"

const RECORD_WORDS = 41u;
const RECORD_Z = 0u;
const RECORD_R = 8u;
const RECORD_S = 16u;
const RECORD_X = 24u;
const RECORD_Y = 32u;
const RECORD_FLAGS = 40u;
