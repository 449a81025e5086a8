// Every generated file: path → content. Generators read dist/src, so build first.
import { keccakFiles } from "./keccak.mjs";
import { secp256k1FieldFmaFiles } from "./secp256k1-field-fma.mjs";
import { secp256k1FieldIntFiles } from "./secp256k1-field-int.mjs";
import { secp256k1ScalarFiles } from "./secp256k1-scalar.mjs";
import { verdictFiles } from "./verdict.mjs";

/** @returns {Promise<[path: string, content: string][]>} */
export async function generators() {
  return [
    ...keccakFiles(),
    ...(await secp256k1FieldFmaFiles()),
    ...(await secp256k1FieldIntFiles()),
    ...(await secp256k1ScalarFiles()),
    ...(await verdictFiles()),
  ];
}
