// Faults that a test asks of the pool's workers through shared words.

/** Words of `faults`: what happens, and how often it still will. */
export const FAULT = { kind: 0, left: 1 } as const;
export const FAULTS = { none: 0, exit: 1, trap: 2, uncaught: 3, hang: 4, exitAtStart: 5, slow: 6 };
