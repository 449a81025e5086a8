// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A tokenised asset: only investors on the allow-list hold it, and a holding may be locked until a date. The owner issues,
/// admits and locks.
contract RestrictedAsset is ERC20, Ownable {
    struct Investor {
        bool admitted;
        uint64 lockedUntil;
        uint128 lockedAmount;
    }

    mapping(address => Investor) public investors;

    event Admitted(address indexed investor, bool admitted);
    event Locked(address indexed investor, uint256 amount, uint256 until);

    error NotAdmitted(address account);
    error StillLocked(address account, uint256 amount, uint256 until);

    constructor(string memory name, string memory symbol) ERC20(name, symbol) Ownable(msg.sender) {}

    function admit(address[] calldata accounts, bool admitted) external onlyOwner {
        for (uint256 i = 0; i < accounts.length; i++) {
            investors[accounts[i]].admitted = admitted;
            emit Admitted(accounts[i], admitted);
        }
    }

    function issue(address[] calldata accounts, uint256 amount) external onlyOwner {
        for (uint256 i = 0; i < accounts.length; i++) _mint(accounts[i], amount);
    }

    function lock(address account, uint128 amount, uint64 until) external onlyOwner {
        investors[account].lockedAmount = amount;
        investors[account].lockedUntil = until;
        emit Locked(account, amount, until);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (to != address(0)) require(investors[to].admitted, NotAdmitted(to));
        if (from != address(0)) {
            Investor memory investor = investors[from];
            require(investor.admitted, NotAdmitted(from));
            if (block.timestamp < investor.lockedUntil) {
                require(
                    balanceOf(from) >= amount + investor.lockedAmount,
                    StillLocked(from, investor.lockedAmount, investor.lockedUntil)
                );
            }
        }
        super._update(from, to, amount);
    }
}
