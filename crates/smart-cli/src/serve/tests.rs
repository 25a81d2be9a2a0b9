//! The pages over a clock that a test moves.
