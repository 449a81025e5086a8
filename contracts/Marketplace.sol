// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC2981} from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// Fixed-price sales of ERC-721 tokens. A sale pays the creator's royalty (EIP-2981) and the seller at once. Tokens stay with
/// the seller until they are sold.
contract Marketplace {
    struct Offer {
        address seller;
        uint96 price;
    }

    mapping(IERC721 collection => mapping(uint256 tokenId => Offer)) public offers;

    event Listed(IERC721 indexed collection, uint256 indexed tokenId, address indexed seller, uint256 price);
    event Sold(
        IERC721 indexed collection,
        uint256 indexed tokenId,
        address indexed buyer,
        uint256 price,
        uint256 royalty
    );

    error NotOwner();
    error NotListed();
    error WrongPrice();
    error RoyaltyTooHigh();
    error PaymentFailed();

    function list(IERC721 collection, uint256 tokenId, uint96 price) external {
        require(collection.ownerOf(tokenId) == msg.sender, NotOwner());
        offers[collection][tokenId] = Offer(msg.sender, price);
        emit Listed(collection, tokenId, msg.sender, price);
    }

    function buy(IERC721 collection, uint256 tokenId) external payable {
        Offer memory offer = offers[collection][tokenId];
        require(offer.seller != address(0), NotListed());
        require(msg.value == offer.price, WrongPrice());
        delete offers[collection][tokenId];
        (address creator, uint256 royalty) = IERC2981(address(collection)).royaltyInfo(tokenId, msg.value);
        require(royalty <= msg.value, RoyaltyTooHigh());
        collection.safeTransferFrom(offer.seller, msg.sender, tokenId);
        pay(creator, royalty);
        pay(offer.seller, msg.value - royalty);
        emit Sold(collection, tokenId, msg.sender, msg.value, royalty);
    }

    function pay(address to, uint256 amount) private {
        (bool paid,) = to.call{value: amount}("");
        require(paid, PaymentFailed());
    }
}
