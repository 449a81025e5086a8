/**
 * Storage, lasting and transient. The price and refund of SSTORE changed with Constantinople (EIP-1283), Petersburg (back), Istanbul
 * (EIP-2200), Berlin (EIP-2929) and London (EIP-3529).
 *
 * Functions answer the gas left, negative where it does not suffice or the frame is static.
 */
import { addRefund } from "./calls";
import { F_SELF, F_STATIC } from "./frame";
import { COLD_SLOT, COLD_SLOT_EXTRA } from "./gas";
import { BERLIN, CONSTANTINOPLE, fork, ISTANBUL, LONDON } from "./layout";
import { makeWarm, ORIGINAL, readSlotEntry, setValue, slotKey, transientSlot, VALUE } from "./state";
import { copy, eq, isZero } from "./u256";

/** SLOAD: the value under the key in `word`. */
export function loadSlot(owner: usize, word: usize, gas: i64): i64 {
  const entry = slotKey(owner, word);
  if (fork >= BERLIN && makeWarm(entry)) gas -= COLD_SLOT_EXTRA;
  if (gas < 0) return gas;
  readSlotEntry(entry);
  copy(word, entry + VALUE);
  return gas;
}

/** TLOAD (EIP-1153), which costs nothing more than its opcode. */
export function loadTransient(owner: usize, word: usize): void {
  copy(word, transientSlot(owner, word) + VALUE);
}

/** TSTORE. */
export function storeTransient(frame: usize, key: usize, value: usize, gas: i64): i64 {
  if (load<u32>(frame, F_STATIC)) return -1;
  setValue(transientSlot(<usize>load<u32>(frame, F_SELF), key), value);
  return gas;
}

/** SSTORE: `value` under `key`. */
export function storeSlot(frame: usize, key: usize, value: usize, gas: i64): i64 {
  if (load<u32>(frame, F_STATIC) || (fork >= ISTANBUL && gas <= 2300)) return -1;
  const entry = slotKey(<usize>load<u32>(frame, F_SELF), key);
  readSlotEntry(entry);
  const now = entry + VALUE;
  if (fork < ISTANBUL && fork != CONSTANTINOPLE) {
    gas -= isZero(now) && !isZero(value) ? 20000 : 5000;
    if (gas < 0) return gas;
    if (!isZero(now) && isZero(value)) addRefund(15000);
    setValue(entry, value);
    return gas;
  }
  if (fork >= BERLIN && makeWarm(entry)) gas -= COLD_SLOT;
  // What touching a slot already paid for costs, a fresh write to a non-zero slot, and the refund for clearing one.
  const dirty: i64 = fork >= BERLIN ? 100 : fork >= ISTANBUL ? 800 : 200;
  const reset: i64 = fork >= BERLIN ? 2900 : 5000;
  const cleared: i64 = fork >= LONDON ? 4800 : 15000;
  const original = entry + ORIGINAL;
  if (eq(now, value)) return gas - dirty;
  const fromZero = isZero(original);
  if (eq(now, original)) {
    gas -= fromZero ? 20000 : reset;
    if (gas < 0) return gas;
    if (!fromZero && isZero(value)) addRefund(cleared);
  } else {
    gas -= dirty;
    if (gas < 0) return gas;
    if (!fromZero) {
      if (isZero(now)) addRefund(-cleared);
      else if (isZero(value)) addRefund(cleared);
    }
    if (eq(value, original)) addRefund((fromZero ? 20000 : reset) - dirty);
  }
  setValue(entry, value);
  return gas;
}
