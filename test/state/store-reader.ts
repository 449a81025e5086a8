/** Worker of the store tests: reads the same accounts through one view again and again. @module */
import { parentPort, workerData } from "node:worker_threads";
import { openStateView, type SharedStateView } from "../../src/state/store/view.ts";
import { bytesOf } from "./random.ts";

const { view, accounts, rounds } = workerData as {
  view: SharedStateView;
  accounts: string[];
  rounds: number;
};
const source = await openStateView(view);
let answer: string[] = [];
for (let round = 0; round < rounds; round++) {
  const next = accounts.map((name) => {
    const account = source.account(bytesOf(name));
    return `${account?.nonce}/${account?.balance}`;
  });
  if (round > 0 && next.join() !== answer.join()) throw new Error("the view changed");
  answer = next;
}
source.close();
parentPort?.postMessage(answer);
