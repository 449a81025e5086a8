// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Code for an externally owned account (EIP-7702): runs a batch of calls that the account sends to itself.
contract Account {
    struct Call {
        address to;
        uint256 value;
        bytes data;
    }

    error OnlySelf();
    error CallFailed(uint256 index);

    receive() external payable {}

    function run(Call[] calldata calls) external payable {
        require(msg.sender == address(this), OnlySelf());
        for (uint256 i = 0; i < calls.length; i++) {
            (bool done,) = calls[i].to.call{value: calls[i].value}(calls[i].data);
            require(done, CallFailed(i));
        }
    }
}
