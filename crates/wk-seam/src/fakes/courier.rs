//! A courier that keeps what it was given, and answers as it is told to.

use std::sync::{Arc, Mutex};

use super::locked;
use crate::Future;
use crate::courier::{Courier, Outcome, Parcel};

type Answers = Box<dyn FnMut(&Parcel) -> Outcome + Send>;

/// A courier in memory. Clones share what was carried.
#[derive(Clone)]
pub struct MemoryCourier(Arc<Mutex<Inner>>);

struct Inner {
    carried: Vec<Parcel>,
    answers: Answers,
}

impl MemoryCourier {
    /// A courier that answers so.
    pub fn answering(answers: impl FnMut(&Parcel) -> Outcome + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Inner { carried: Vec::new(), answers: Box::new(answers) })))
    }

    /// A courier whose parcels are all accepted.
    pub fn willing() -> Self {
        Self::answering(|_| Outcome::Accepted { receipt: "taken".to_owned(), reference: None })
    }

    /// Answers so from now on.
    pub fn answer(&self, answers: impl FnMut(&Parcel) -> Outcome + Send + 'static) {
        locked(&self.0).answers = Box::new(answers);
    }

    /// Every parcel that it was given, in order.
    pub fn carried(&self) -> Vec<Parcel> {
        locked(&self.0).carried.clone()
    }
}

impl Courier for MemoryCourier {
    fn carry<'a>(&'a self, parcel: &'a Parcel) -> Future<'a, Outcome> {
        Box::pin(async move {
            let mut inner = locked(&self.0);
            inner.carried.push(parcel.clone());
            (inner.answers)(parcel)
        })
    }
}
