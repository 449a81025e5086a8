// Records of secp256k1-recover: z, r, s (32 bytes each, big-endian), recoveryId, flags.
#include "lib/secp256k1-records.wgsl"

const RECORD_WORDS = 26u;
const RECORD_Z = 0u;
const RECORD_R = 8u;
const RECORD_S = 16u;
const RECORD_RECOVERY_ID = 24u;
const RECORD_FLAGS = 25u;
