//! How it is run.
