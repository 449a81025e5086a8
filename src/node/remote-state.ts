/**
 * The states that blocks run on, read from a node: each block's is that of its parent, and everything is proven against the parent's
 * header, which the block names by its hash.
 *
 * @module
 */
import { headerHash } from "../chains/ethereum/header.ts";
import { toHex } from "../chains/ethereum/hex.ts";
import { LanewiseError } from "../core/index.ts";
import type { RemoteState } from "../pipeline/execution.ts";
import { openRpcState, type RpcStateOptions } from "./rpc-state-source.ts";

/** Options of {@link createRemoteState}. */
export type RemoteStateOptions = Omit<RpcStateOptions, "number" | "header">;

/**
 * States of the node at `url`. Senders and receivers of a block are read ahead, many at a time.
 *
 * @throws TypeError where `url` is not an http(s) URL. Opening a state throws LanewiseError `ERR_SOURCE` where the node does not answer,
 * does not have the parent, or has another block in its place.
 */
export function createRemoteState(url: string, options: RemoteStateOptions = {}): RemoteState {
  return {
    async before({ block, list, senders }) {
      if (block === undefined) throw new TypeError("remote state: expected a block");
      const { number, parentHash } = block.header;
      const state = await openRpcState(url, { ...options, number: number - 1n });
      try {
        const hash = headerHash(state.header);
        if (Buffer.compare(hash, parentHash) !== 0) {
          throw new LanewiseError(
            "ERR_SOURCE",
            `block ${number}: expected its parent ${toHex(parentHash)} from the node, got ${toHex(hash)}`,
          );
        }
        const wanted = [{ address: block.header.coinbase }];
        for (let i = 0; i < list.count; i++) {
          wanted.push({ address: senders.subarray(20 * i, 20 * i + 20) });
          const to = list.to(i);
          if (to !== undefined) wanted.push({ address: to });
        }
        state.prefetch(wanted);
      } catch (error) {
        await state.close();
        throw error;
      }
      return {
        account: (address) => state.account(address),
        storage: (address, slot) => state.storage(address, slot),
        code: (codeHash) => state.code(codeHash),
        blockHash: (of) => state.blockHash(of),
        close: () => void state.close(),
      };
    },
  };
}
