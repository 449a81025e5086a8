// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// Custody attestations of goods. The custodian signs each step off chain (EIP-712); anyone may file it. Steps form a hash chain
/// an item, so that none can be left out or changed later. Measurements are committed as one Merkle root a step.
contract SupplyChain is EIP712 {
    struct Item {
        bytes32 head;
        address custodian;
        uint64 steps;
    }

    bytes32 public constant STEP =
        keccak256("Step(uint256 item,bytes32 previous,address next,bytes32 measurements)");

    mapping(uint256 item => Item) public items;
    mapping(bytes32 step => bytes32) public measurementsOf;

    event Registered(uint256 indexed item, address indexed custodian);
    event Attested(uint256 indexed item, bytes32 indexed head, address from, address to, bytes32 measurements);

    error AlreadyRegistered();
    error NotRegistered();
    error NotCustodian(address signer);

    constructor() EIP712("Lanewise Supply Chain", "1") {}

    function register(uint256 item) external {
        require(items[item].custodian == address(0), AlreadyRegistered());
        items[item].custodian = msg.sender;
        emit Registered(item, msg.sender);
    }

    /// Files the custodian's signed step and hands the item to `next`.
    function attest(uint256 item, address next, bytes32 measurements, uint8 v, bytes32 r, bytes32 s) external {
        Item storage entry = items[item];
        address custodian = entry.custodian;
        require(custodian != address(0), NotRegistered());
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(STEP, item, entry.head, next, measurements)));
        address signer = ECDSA.recover(digest, v, r, s);
        require(signer == custodian, NotCustodian(signer));
        entry.head = digest;
        entry.custodian = next;
        entry.steps += 1;
        measurementsOf[digest] = measurements;
        emit Attested(item, digest, custodian, next, measurements);
    }

    /// Whether `leaf` is one of the measurements committed in a step.
    function verify(bytes32 step, bytes32[] calldata proof, bytes32 leaf) external view returns (bool) {
        return MerkleProof.verifyCalldata(proof, measurementsOf[step], leaf);
    }
}
