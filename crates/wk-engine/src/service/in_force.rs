//! The rules that hold now: they may be others from one commit to the next.

use std::sync::{Arc, PoisonError, RwLock};

use wk_watch::detect::Detections;

/// The rules that hold now. Who begins something takes them once, and goes on with them to its end.
pub struct InForce(RwLock<Arc<Detections>>);

impl InForce {
    /// These.
    pub fn of(detections: Arc<Detections>) -> Arc<Self> {
        Arc::new(Self(RwLock::new(detections)))
    }

    /// Those that hold now.
    pub fn now(&self) -> Arc<Detections> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on these.
    pub fn put(&self, detections: Arc<Detections>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = detections;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_took_the_rules_keeps_them_and_who_comes_later_has_the_new_ones() {
        let (old, new) = (Arc::new(Detections::none()), Arc::new(Detections::none()));
        let rules = InForce::of(old.clone());
        let taken = rules.now();
        rules.put(new.clone());
        assert!(Arc::ptr_eq(&taken, &old) && Arc::ptr_eq(&rules.now(), &new));
    }
}
