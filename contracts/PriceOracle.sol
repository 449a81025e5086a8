// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// Prices posted by the owner: units of the debt asset for 10¹⁸ units of the collateral.
contract PriceOracle is Ownable {
    uint256 public price;

    event PriceSet(uint256 price);

    error ZeroPrice();

    constructor(uint256 initial) Ownable(msg.sender) {
        set(initial);
    }

    function set(uint256 value) public onlyOwner {
        require(value > 0, ZeroPrice());
        price = value;
        emit PriceSet(value);
    }
}
