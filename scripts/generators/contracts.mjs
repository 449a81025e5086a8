// Compiles contracts/ with solc: bytecode, function selectors, event topics and storage slots for src/workloads.
//
// Settings are pinned, and metadata is left out of the bytecode, so that the output depends on the sources and solc alone. OpenZeppelin's
// ERC-1155 needs MCOPY, hence Cancun.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { banner } from "./banner.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const settings = {
  evmVersion: "cancun",
  optimizer: { enabled: true, runs: 10_000 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: {
    "*": {
      "*": ["evm.bytecode.object", "evm.methodIdentifiers", "storageLayout"],
    },
  },
};

/** The contracts of contracts/, one a file: name → solc's output. */
function compile() {
  const require = createRequire(import.meta.url);
  const solc = require("solc");
  const names = readdirSync(join(root, "contracts"))
    .filter((name) => name.endsWith(".sol"))
    .sort();
  const sources = Object.fromEntries(
    names.map((name) => [name, { content: readFileSync(join(root, "contracts", name), "utf8") }]),
  );
  const input = JSON.stringify({ language: "Solidity", sources, settings });
  const findImport = (path) => ({
    contents: readFileSync(
      path.startsWith("@") ? join(root, "node_modules", path) : join(root, "contracts", path),
      "utf8",
    ),
  });
  const output = JSON.parse(solc.compile(input, { import: findImport }));
  if (output.errors?.length > 0)
    throw new Error(output.errors.map((error) => error.formattedMessage).join("\n"));
  return names.map((file) => {
    const name = file.slice(0, -".sol".length);
    return [name, output.contracts[file][name]];
  });
}

/** @returns {Promise<[string, string][]>} */
export async function files() {
  let text = banner("//", "contracts.mjs");
  text += `\n/** What the compiler tells of a contract. Hex without 0x; \`selectors\` by signature; \`slots\` of the state variables. */
export interface CompiledContract {
  readonly creation: string;
  readonly selectors: Readonly<Record<string, string>>;
  readonly slots: Readonly<Record<string, number>>;
}\n`;
  for (const [name, { evm, storageLayout }] of compile()) {
    const slots = Object.fromEntries(
      storageLayout.storage.map(({ label, slot }) => [label, Number(slot)]),
    );
    const contract = {
      creation: evm.bytecode.object,
      selectors: evm.methodIdentifiers,
      slots,
    };
    text += `\nexport const ${name} = ${JSON.stringify(contract, null, 2)} as const satisfies CompiledContract;\n`;
  }
  return [["src/workloads/generated/contracts.ts", text]];
}
