//! The locks that [`crate::flight`] uses, under one name: a test includes that file beside a
//! module of this name that holds locks whose every interleaving can be tried.

pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
pub(crate) use std::sync::{Arc, Mutex, PoisonError};
