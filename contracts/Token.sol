// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// An ERC-20 token whose owner mints.
contract Token is ERC20, Ownable {
    constructor(string memory name, string memory symbol) ERC20(name, symbol) Ownable(msg.sender) {}

    /// Mints `amount` to each holder.
    function mint(address[] calldata holders, uint256 amount) external onlyOwner {
        for (uint256 i = 0; i < holders.length; i++) _mint(holders[i], amount);
    }
}
