// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

/// A play-to-earn game: quests earn gold and materials, forging burns them for items, items are traded as ERC-1155 tokens, and
/// everyone may strike the monster of an arena, whose last striker takes the bounty.
contract Game is ERC1155 {
    uint256 public constant GOLD = 0;
    uint256 public constant MATERIALS = 8;
    uint256 public constant FORGE_GOLD = 20;
    uint256 public constant FORGE_MATERIALS = 2;
    uint256 public constant FIRST_ITEM = 1 << 32;
    uint256 public constant MONSTER_HEALTH = 1000;
    uint256 public constant BOUNTY = 500;

    struct Player {
        uint64 experience;
        uint64 quests;
        uint128 luck;
    }

    struct Monster {
        uint64 damage;
        uint64 generation;
    }

    mapping(address => Player) public players;
    mapping(uint256 arena => Monster) public monsters;

    event Quest(address indexed player, uint256 gold, uint256 material);
    event Forged(address indexed player, uint256 item);
    event Struck(address indexed player, uint256 indexed arena, uint256 damage, bool defeated);

    constructor() ERC1155("") {}

    /// Earns gold and, three times in four, a material. The outcome follows from the player's own past.
    function quest() external {
        Player storage player = players[msg.sender];
        uint256 luck = uint128(uint256(keccak256(abi.encode(msg.sender, player.quests, player.luck))));
        player.luck = uint128(luck);
        player.quests += 1;
        player.experience += uint64(10 + luck % 10);
        uint256 gold = 10 + luck % 16;
        uint256 material = luck >> 8 & 3 == 0 ? 0 : 1 + (luck >> 16) % MATERIALS;
        _mint(msg.sender, GOLD, gold, "");
        if (material != 0) _mint(msg.sender, material, 1, "");
        emit Quest(msg.sender, gold, material);
    }

    /// Burns gold and materials of one kind into an item of that kind.
    function forge(uint256 material) external returns (uint256 item) {
        uint256[] memory ids = new uint256[](2);
        uint256[] memory amounts = new uint256[](2);
        (ids[0], amounts[0]) = (GOLD, FORGE_GOLD);
        (ids[1], amounts[1]) = (material, FORGE_MATERIALS);
        _burnBatch(msg.sender, ids, amounts);
        item = FIRST_ITEM + material;
        _mint(msg.sender, item, 1, "");
        emit Forged(msg.sender, item);
    }

    /// Strikes the monster of an arena with the strength of one's experience.
    function strike(uint256 arena) external {
        Monster storage monster = monsters[arena];
        uint256 damage = monster.damage + 1 + players[msg.sender].experience / 10;
        bool defeated = damage >= MONSTER_HEALTH;
        if (defeated) {
            monster.damage = 0;
            monster.generation += 1;
            _mint(msg.sender, GOLD, BOUNTY, "");
        } else {
            monster.damage = uint64(damage);
        }
        emit Struck(msg.sender, arena, damage, defeated);
    }
}
