// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {PriceOracle} from "./PriceOracle.sol";

/// An isolated lending market: suppliers lend `asset`, borrowers lock `collateral`. Debts and claims are shares of totals that grow
/// with a fixed yearly interest; every rounding favours the market.
contract LendingMarket {
    using SafeERC20 for IERC20;
    using Math for uint256;

    uint256 private constant ONE = 1e18;
    /// A borrower may owe up to this part of the collateral's worth …
    uint256 public constant BORROW_LIMIT = 0.75e18;
    /// … and can be liquidated above this part, at a bonus for the liquidator.
    uint256 public constant LIQUIDATION_LIMIT = 0.8e18;
    uint256 public constant LIQUIDATION_BONUS = 1.05e18;
    uint256 public constant YEARLY_INTEREST = 0.05e18;

    IERC20 public immutable asset;
    IERC20 public immutable collateral;
    PriceOracle public immutable oracle;

    uint128 public totalSupplied;
    uint128 public totalSupplyShares;
    uint128 public totalBorrowed;
    uint128 public totalBorrowShares;
    uint256 public accruedAt;
    mapping(address => uint256) public supplyShares;
    mapping(address => uint256) public borrowShares;
    mapping(address => uint256) public collateralOf;

    event Supplied(address indexed account, uint256 amount, uint256 shares);
    event Redeemed(address indexed account, uint256 amount, uint256 shares);
    event CollateralLocked(address indexed account, uint256 amount);
    event CollateralReleased(address indexed account, uint256 amount);
    event Borrowed(address indexed account, uint256 amount, uint256 shares);
    event Repaid(address indexed account, address indexed payer, uint256 amount, uint256 shares);
    event Liquidated(address indexed account, address indexed liquidator, uint256 repaid, uint256 seized);

    error NotEnoughLiquidity();
    error NotEnoughCollateral();
    error Healthy();

    constructor(IERC20 asset_, IERC20 collateral_, PriceOracle oracle_) {
        asset = asset_;
        collateral = collateral_;
        oracle = oracle_;
        accruedAt = block.timestamp;
    }

    function supply(uint256 amount) external {
        accrue();
        uint256 shares = toShares(amount, totalSupplied, totalSupplyShares, Math.Rounding.Floor);
        supplyShares[msg.sender] += shares;
        totalSupplied += uint128(amount);
        totalSupplyShares += uint128(shares);
        asset.safeTransferFrom(msg.sender, address(this), amount);
        emit Supplied(msg.sender, amount, shares);
    }

    function redeem(uint256 shares) external {
        accrue();
        uint256 amount = toAmount(shares, totalSupplied, totalSupplyShares, Math.Rounding.Floor);
        supplyShares[msg.sender] -= shares;
        totalSupplied -= uint128(amount);
        totalSupplyShares -= uint128(shares);
        require(totalBorrowed <= totalSupplied, NotEnoughLiquidity());
        asset.safeTransfer(msg.sender, amount);
        emit Redeemed(msg.sender, amount, shares);
    }

    function lock(uint256 amount) external {
        collateralOf[msg.sender] += amount;
        collateral.safeTransferFrom(msg.sender, address(this), amount);
        emit CollateralLocked(msg.sender, amount);
    }

    function release(uint256 amount) external {
        accrue();
        collateralOf[msg.sender] -= amount;
        require(debtOf(msg.sender) <= limit(msg.sender, BORROW_LIMIT), NotEnoughCollateral());
        collateral.safeTransfer(msg.sender, amount);
        emit CollateralReleased(msg.sender, amount);
    }

    function borrow(uint256 amount) external {
        accrue();
        uint256 shares = toShares(amount, totalBorrowed, totalBorrowShares, Math.Rounding.Ceil);
        borrowShares[msg.sender] += shares;
        totalBorrowed += uint128(amount);
        totalBorrowShares += uint128(shares);
        require(totalBorrowed <= totalSupplied, NotEnoughLiquidity());
        require(debtOf(msg.sender) <= limit(msg.sender, BORROW_LIMIT), NotEnoughCollateral());
        asset.safeTransfer(msg.sender, amount);
        emit Borrowed(msg.sender, amount, shares);
    }

    /// Pays back `shares` of a debt, one's own or another's.
    function repay(address account, uint256 shares) external {
        accrue();
        uint256 amount = settle(account, shares);
        asset.safeTransferFrom(msg.sender, address(this), amount);
        emit Repaid(account, msg.sender, amount, shares);
    }

    /// Pays back `shares` of an unhealthy debt and takes its worth in collateral, plus the bonus.
    function liquidate(address account, uint256 shares) external {
        accrue();
        require(debtOf(account) > limit(account, LIQUIDATION_LIMIT), Healthy());
        uint256 repaid = settle(account, shares);
        uint256 seized = repaid.mulDiv(ONE, oracle.price()).mulDiv(LIQUIDATION_BONUS, ONE);
        collateralOf[account] -= seized;
        asset.safeTransferFrom(msg.sender, address(this), repaid);
        collateral.safeTransfer(msg.sender, seized);
        emit Liquidated(account, msg.sender, repaid, seized);
    }

    /// Debt as of the last accrual, rounded up.
    function debtOf(address account) public view returns (uint256) {
        return toAmount(borrowShares[account], totalBorrowed, totalBorrowShares, Math.Rounding.Ceil);
    }

    /// Adds the interest since the last accrual; free for all but the first call of a block.
    function accrue() public {
        uint256 elapsed = block.timestamp - accruedAt;
        if (elapsed == 0) return;
        accruedAt = block.timestamp;
        uint256 interest = uint256(totalBorrowed).mulDiv(YEARLY_INTEREST * elapsed, ONE * 365 days);
        totalBorrowed += uint128(interest);
        totalSupplied += uint128(interest);
    }

    function limit(address account, uint256 part) private view returns (uint256) {
        return collateralOf[account].mulDiv(oracle.price(), ONE).mulDiv(part, ONE);
    }

    function settle(address account, uint256 shares) private returns (uint256 amount) {
        amount = toAmount(shares, totalBorrowed, totalBorrowShares, Math.Rounding.Ceil);
        borrowShares[account] -= shares;
        totalBorrowed = uint128(totalBorrowed - Math.min(amount, totalBorrowed));
        totalBorrowShares -= uint128(shares);
    }

    /// One virtual unit against 10⁶ virtual shares keeps the first supplier from moving the price of a share.
    function toShares(uint256 amount, uint256 total, uint256 shares, Math.Rounding rounding)
        private
        pure
        returns (uint256)
    {
        return amount.mulDiv(shares + 1e6, total + 1, rounding);
    }

    function toAmount(uint256 shares, uint256 total, uint256 totalShares, Math.Rounding rounding)
        private
        pure
        returns (uint256)
    {
        return shares.mulDiv(total + 1, totalShares + 1e6, rounding);
    }
}
