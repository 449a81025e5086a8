// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Pair} from "./Pair.sol";

/// Swaps and liquidity through one allowance, with slippage bounds and a deadline.
contract Router {
    using SafeERC20 for IERC20;

    error Expired();
    error TooLittle();
    error NotInPair();

    modifier before(uint256 deadline) {
        require(block.timestamp <= deadline, Expired());
        _;
    }

    /// Output of a swap against these reserves, rounded down.
    function quote(uint256 input, uint256 reserveIn, uint256 reserveOut) public pure returns (uint256) {
        uint256 inputAfterFee = input * 997;
        return inputAfterFee * reserveOut / (reserveIn * 1000 + inputAfterFee);
    }

    /// Sells exactly `input` of `sold` along the pairs of `path`.
    function swap(
        Pair[] calldata path,
        IERC20 sold,
        uint256 input,
        uint256 minimumOutput,
        address to,
        uint256 deadline
    ) external before(deadline) returns (uint256 amount) {
        amount = input;
        sold.safeTransferFrom(msg.sender, address(path[0]), input);
        for (uint256 i = 0; i < path.length; i++) {
            Pair pair = path[i];
            (uint256 reserve0, uint256 reserve1) = pair.reserves();
            address recipient = i + 1 < path.length ? address(path[i + 1]) : to;
            if (address(sold) == address(pair.token0())) {
                amount = quote(amount, reserve0, reserve1);
                pair.swap(0, amount, recipient);
                sold = pair.token1();
            } else {
                require(address(sold) == address(pair.token1()), NotInPair());
                amount = quote(amount, reserve1, reserve0);
                pair.swap(amount, 0, recipient);
                sold = pair.token0();
            }
        }
        require(amount >= minimumOutput, TooLittle());
    }

    /// Adds liquidity at the pool's price: as much of both amounts as fits.
    function deposit(
        Pair pair,
        uint256 amount0,
        uint256 amount1,
        uint256 minimumShares,
        address to,
        uint256 deadline
    ) external before(deadline) returns (uint256 shares) {
        (uint256 reserve0, uint256 reserve1) = pair.reserves();
        if (reserve0 > 0) {
            uint256 fitting1 = amount0 * reserve1 / reserve0;
            if (fitting1 <= amount1) amount1 = fitting1;
            else amount0 = amount1 * reserve0 / reserve1;
        }
        pair.token0().safeTransferFrom(msg.sender, address(pair), amount0);
        pair.token1().safeTransferFrom(msg.sender, address(pair), amount1);
        shares = pair.deposit(to);
        require(shares >= minimumShares, TooLittle());
    }

    /// Redeems shares.
    function withdraw(
        Pair pair,
        uint256 shares,
        uint256 minimum0,
        uint256 minimum1,
        address to,
        uint256 deadline
    ) external before(deadline) returns (uint256 amount0, uint256 amount1) {
        IERC20(address(pair)).safeTransferFrom(msg.sender, address(pair), shares);
        (amount0, amount1) = pair.withdraw(to);
        require(amount0 >= minimum0 && amount1 >= minimum1, TooLittle());
    }
}
