// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC2981} from "@openzeppelin/contracts/token/common/ERC2981.sol";

/// An ERC-721 collection that anyone mints from; each token's creator earns a royalty of 5 % (EIP-2981).
contract Collectible is ERC721, ERC2981 {
    uint96 public constant ROYALTY_BASIS_POINTS = 500;

    /// Number of tokens minted by `mintNext`.
    uint256 public edition;

    constructor() ERC721("Lanewise Collectible", "LWC") {}

    /// Mints the token of the caller's choice.
    function mint(uint256 tokenId, address creator) external {
        issue(tokenId, creator);
    }

    /// Mints the next token of the numbered edition.
    function mintNext(address creator) external returns (uint256 tokenId) {
        tokenId = ++edition;
        issue(tokenId, creator);
    }

    function issue(uint256 tokenId, address creator) private {
        _mint(msg.sender, tokenId);
        _setTokenRoyalty(tokenId, creator, ROYALTY_BASIS_POINTS);
    }

    function supportsInterface(bytes4 id) public view override(ERC721, ERC2981) returns (bool) {
        return super.supportsInterface(id);
    }
}
