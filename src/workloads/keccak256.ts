/** Cases of `keccak256`: rate 136 bytes, one byte of padding at least. @module */
import { keccak256 } from "../algorithms/keccak256.ts";
import { messageCases } from "./messages.ts";

export const keccak256Cases = messageCases(keccak256, 136, 1);
