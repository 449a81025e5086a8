/** Cases of `sha256`: blocks of 64 bytes, nine bytes of padding at least. @module */
import { sha256 } from "../algorithms/sha256.ts";
import { messageCases } from "./messages.ts";

export const sha256Cases = messageCases(sha256, 64, 9);
