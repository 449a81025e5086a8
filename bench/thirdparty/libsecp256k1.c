/*
 * Times secp256k1_ecdsa_recover of the installed libsecp256k1.
 *
 * With the argument `cpu`, in processor time.
 *
 * stdin:  u32 n, then n records of digest[32], signature[64] (r, s), recovery id[1];
 *         then, again and again, u32 milliseconds.
 * stdout: the x coordinate of record 0's key in hex; then, for each request, nanoseconds per recovery.
 */
#include <secp256k1_recovery.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RECORD_BYTES = 97 };

static clockid_t clock_used = CLOCK_MONOTONIC;

static double now_ns(void) {
  struct timespec t;
  clock_gettime(clock_used, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int recover(const secp256k1_context *context, const unsigned char *record, secp256k1_pubkey *key) {
  secp256k1_ecdsa_recoverable_signature signature;
  return secp256k1_ecdsa_recoverable_signature_parse_compact(context, &signature, record + 32, record[96]) &&
         secp256k1_ecdsa_recover(context, key, &signature, record);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "cpu") == 0) clock_used = CLOCK_PROCESS_CPUTIME_ID;
  secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_VERIFY);
  secp256k1_pubkey key;
  uint32_t n, milliseconds;
  if (fread(&n, 4, 1, stdin) != 1 || n == 0 || n > 1u << 20) return 1;
  unsigned char *records = malloc((size_t)n * RECORD_BYTES);
  if (!records || fread(records, RECORD_BYTES, n, stdin) != n) return 1;

  if (!recover(context, records, &key)) return 1;
  unsigned char bytes[65];
  size_t length = sizeof bytes;
  secp256k1_ec_pubkey_serialize(context, bytes, &length, &key, SECP256K1_EC_UNCOMPRESSED);
  for (int i = 1; i <= 32; i++) printf("%02x", bytes[i]);
  printf("\n");
  fflush(stdout);

  while (fread(&milliseconds, 4, 1, stdin) == 1) {
    double start = now_ns(), elapsed;
    uint64_t done = 0;
    do {
      for (int i = 0; i < 16; i++, done++) {
        if (!recover(context, records + (done % n) * RECORD_BYTES, &key)) return 1;
      }
      elapsed = now_ns() - start;
    } while (elapsed < milliseconds * 1e6);
    printf("%.1f\n", elapsed / done);
    fflush(stdout);
  }
  return 0;
}
