/**
 * The KZG functions of EIP-4844 on demand: the trusted setup takes seconds to load, and few blocks call the precompile.
 *
 * @module
 */
import type { Kzg } from "./common.ts";

/** A set of KZG functions that notes it was wanted before it was loaded. One a run. */
export interface LazyKzg {
  readonly functions: Kzg;
  /** Loads the setup where a call came too early; whether it did, so that the caller runs its work again. */
  loadWhereWanted(): Promise<boolean>;
}

let loading: Promise<Kzg> | undefined;
let loaded: Kzg | undefined;

async function load(): Promise<void> {
  loading ??= import("kzg-wasm").then(({ loadKZG }) => loadKZG());
  loaded = await loading;
}

/** Creates a set whose calls throw while the process has not loaded the setup. */
export function createLazyKzg(): LazyKzg {
  let wanted = false;
  const functions = new Proxy({} as Kzg, {
    get(_target, name) {
      if (loaded !== undefined) return Reflect.get(loaded, name, loaded);
      return () => {
        wanted = true;
        throw new Error("KZG trusted setup: not loaded");
      };
    },
  });
  return {
    functions,
    async loadWhereWanted() {
      if (wanted) await load();
      return wanted;
    },
  };
}
