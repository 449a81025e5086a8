// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// A constant-product market of two tokens, with a fee of 0.3 % that stays in the pool. The pair is its own liquidity token.
/// Tokens are sent in before the call; what lies above the recorded reserves is the caller's input.
contract Pair is ERC20 {
    using SafeERC20 for IERC20;

    /// Shares locked for ever by the first provider, so that no share can be made worth a fortune.
    uint256 public constant MINIMUM_LIQUIDITY = 1000;
    address private constant LOCKED = address(0xdead);

    IERC20 public immutable token0;
    IERC20 public immutable token1;
    uint112 private reserve0;
    uint112 private reserve1;
    bool private entered;

    error Reentered();
    error InsufficientLiquidity();
    error InsufficientOutput();
    error InsufficientInput();
    error ReserveOverflow();

    event Deposit(address indexed to, uint256 amount0, uint256 amount1, uint256 shares);
    event Withdrawal(address indexed to, uint256 amount0, uint256 amount1, uint256 shares);
    event Swap(
        address indexed sender,
        address indexed to,
        uint256 input0,
        uint256 input1,
        uint256 output0,
        uint256 output1
    );

    /// `entered` shares a slot with the reserves, so the lock costs no slot of its own.
    modifier locked() {
        require(!entered, Reentered());
        entered = true;
        _;
        entered = false;
    }

    constructor(IERC20 first, IERC20 second) ERC20("Lanewise Liquidity", "LWLP") {
        (token0, token1) = address(first) < address(second) ? (first, second) : (second, first);
    }

    function reserves() external view returns (uint256, uint256) {
        return (reserve0, reserve1);
    }

    /// Issues shares for the tokens sent in.
    function deposit(address to) external locked returns (uint256 shares) {
        (uint256 balance0, uint256 balance1) = balances();
        uint256 amount0 = balance0 - reserve0;
        uint256 amount1 = balance1 - reserve1;
        uint256 supply = totalSupply();
        if (supply == 0) {
            shares = Math.sqrt(amount0 * amount1);
            require(shares > MINIMUM_LIQUIDITY, InsufficientLiquidity());
            shares -= MINIMUM_LIQUIDITY;
            _mint(LOCKED, MINIMUM_LIQUIDITY);
        } else {
            shares = Math.min(amount0 * supply / reserve0, amount1 * supply / reserve1);
            require(shares > 0, InsufficientLiquidity());
        }
        _mint(to, shares);
        store(balance0, balance1);
        emit Deposit(to, amount0, amount1, shares);
    }

    /// Pays out the part of the pool behind the shares sent in.
    function withdraw(address to) external locked returns (uint256 amount0, uint256 amount1) {
        (uint256 balance0, uint256 balance1) = balances();
        uint256 shares = balanceOf(address(this));
        uint256 supply = totalSupply();
        amount0 = shares * balance0 / supply;
        amount1 = shares * balance1 / supply;
        require(amount0 > 0 && amount1 > 0, InsufficientLiquidity());
        _burn(address(this), shares);
        token0.safeTransfer(to, amount0);
        token1.safeTransfer(to, amount1);
        (balance0, balance1) = balances();
        store(balance0, balance1);
        emit Withdrawal(to, amount0, amount1, shares);
    }

    /// Pays out what is asked for where the product of the reserves, less the fee on the input, does not fall.
    function swap(uint256 output0, uint256 output1, address to) external locked {
        (uint256 before0, uint256 before1) = (reserve0, reserve1);
        require(output0 > 0 || output1 > 0, InsufficientOutput());
        require(output0 < before0 && output1 < before1, InsufficientLiquidity());
        if (output0 > 0) token0.safeTransfer(to, output0);
        if (output1 > 0) token1.safeTransfer(to, output1);
        (uint256 balance0, uint256 balance1) = balances();
        uint256 input0 = balance0 + output0 > before0 ? balance0 + output0 - before0 : 0;
        uint256 input1 = balance1 + output1 > before1 ? balance1 + output1 - before1 : 0;
        uint256 adjusted0 = balance0 * 1000 - input0 * 3;
        uint256 adjusted1 = balance1 * 1000 - input1 * 3;
        require(adjusted0 * adjusted1 >= before0 * before1 * 1000 ** 2, InsufficientInput());
        store(balance0, balance1);
        emit Swap(msg.sender, to, input0, input1, output0, output1);
    }

    function balances() private view returns (uint256, uint256) {
        return (token0.balanceOf(address(this)), token1.balanceOf(address(this)));
    }

    function store(uint256 balance0, uint256 balance1) private {
        require(balance0 <= type(uint112).max && balance1 <= type(uint112).max, ReserveOverflow());
        reserve0 = uint112(balance0);
        reserve1 = uint112(balance1);
    }
}
