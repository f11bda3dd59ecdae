//! Captures in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use wk_model::Capture;

use crate::shelf::Shelf;
use crate::{Answer, Future};

/// Captures in memory, by slice.
#[derive(Debug, Default)]
pub struct MemoryShelf(Mutex<BTreeMap<String, Vec<Capture>>>);

impl MemoryShelf {
    /// Everything that is kept, by slice.
    pub fn all(&self) -> BTreeMap<String, Vec<Capture>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shelf for MemoryShelf {
    fn kept<'a>(&'a self, slice: &'a str) -> Future<'a, Answer<Vec<Capture>>> {
        Box::pin(async move { Ok(self.all().remove(slice).unwrap_or_default()) })
    }

    fn keep<'a>(&'a self, slice: &'a str, captures: &'a [Capture]) -> Future<'a, Answer<()>> {
        Box::pin(async move {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(slice.to_owned()).or_default().extend(captures.iter().cloned());
            Ok(())
        })
    }
}
