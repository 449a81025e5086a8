/**
 * A play-to-earn game (ERC-1155): of ten transactions four are quests, two forge an item, two trade gold, two strike a monster.
 * Contention is the number of arenas that the strikers share.
 *
 * @module
 */
import { encodeCall } from "../abi.ts";
import { type Contention, drawUniform, drawZipf } from "../draw.ts";
import { Game } from "../generated/contracts.ts";
import { layGameTokens } from "../layout.ts";
import type { Random } from "../random.ts";
import type { PlannedTransaction, Scenario } from "../scenario.ts";

const GOLD = 0;
const MATERIALS = 8;
const GAS = 250_000;

function play(
  arenasFor: (count: number) => number,
  draw: (random: Random, count: number) => number,
  strikesInTen: number,
): Scenario {
  return (stage, count) => {
    const { random } = stage;
    const game = stage.deploy(Game);
    const players = stage.accounts(count);
    const addresses = players.map((player) => player.address);
    const arenas = arenasFor(count);
    const forgers = Array.from({ length: MATERIALS + 1 }, () => [] as Uint8Array[]);
    const planned = players.map((from, index): PlannedTransaction => {
      const turn = index % 10;
      let data: Uint8Array;
      if (turn < strikesInTen) {
        data = encodeCall(Game, "strike(uint256)", draw(random, arenas));
      } else if (turn < strikesInTen + 2) {
        const material = 1 + random.below(MATERIALS);
        forgers[material].push(from.address);
        data = encodeCall(Game, "forge(uint256)", material);
      } else if (turn < strikesInTen + 4) {
        const to = addresses[(index + 5) % count];
        data = encodeCall(
          Game,
          "safeTransferFrom(address,address,uint256,uint256,bytes)",
          ...[from.address, to, GOLD, 1 + random.below(50), { bytes: new Uint8Array(0) }],
        );
      } else {
        data = encodeCall(Game, "quest()");
      }
      return { from, to: game, data, gasLimit: GAS };
    });
    stage.lay((state) => {
      layGameTokens(state, game, addresses, GOLD, 100n);
      for (const [material, holders] of forgers.entries())
        layGameTokens(state, game, holders, material, 4n);
    });
    return planned;
  };
}

/** An arena for each striker; a few arenas, some hot; one monster that two players in five strike. */
export const game: Readonly<Record<Contention, Scenario>> = {
  low: play((count) => Math.max(1, count), drawUniform, 2),
  medium: play((count) => Math.max(1, Math.min(16, count >> 3)), drawZipf, 2),
  high: play(() => 1, drawUniform, 4),
};
