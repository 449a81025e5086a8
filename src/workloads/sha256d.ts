/** Cases of `sha256d`: blocks of 64 bytes, nine bytes of padding at least. @module */
import { sha256d } from "../algorithms/sha256d.ts";
import { messageCases } from "./messages.ts";

export const sha256dCases = messageCases(sha256d, 64, 9);
