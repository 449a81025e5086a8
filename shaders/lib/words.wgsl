// A 256-bit number in words, least first.
alias Words = array<u32, 8>;
