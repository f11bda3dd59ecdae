//! Which calls fail, and how.

use std::sync::Mutex;

use super::locked;
use crate::{Answer, Failure};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done; the same call may go through later.
    Transient,
    /// Nothing is done.
    Final,
    /// It is done, but the answer is lost.
    AnswerLost,
    /// The process ends here: nothing is done now or in any later call.
    Killed,
    /// The process ends when the call is done and before anybody is told.
    KilledAfter,
    /// Others get their turn first: it goes through.
    Slow,
}

/// The faults of a world, by the number of the call.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Plan>);

#[derive(Debug, Default)]
struct Plan {
    planned: Vec<(u64, Fault)>,
    calls: u64,
    dead: bool,
}

/// How long a slow call lets others go first.
const TURNS: usize = 50;

impl Faults {
    /// These calls fail; the first call is number 1.
    pub fn at(planned: Vec<(u64, Fault)>) -> Self {
        Self(Mutex::new(Plan { planned, ..Plan::default() }))
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        locked(&self.0).calls
    }

    /// Whether the process has ended.
    pub fn dead(&self) -> bool {
        locked(&self.0).dead
    }

    /// Does the work of a call, unless it is to fail.
    pub(super) fn call<T>(&self, doing: &str, work: impl FnOnce() -> Answer<T>) -> Answer<T> {
        let fault = {
            let mut plan = locked(&self.0);
            plan.calls += 1;
            let call = plan.calls;
            let fault = plan.planned.iter().find(|(n, _)| *n == call).map(|(_, fault)| *fault);
            let dead = plan.dead;
            plan.dead |= matches!(fault, Some(Fault::Killed | Fault::KilledAfter));
            if dead { Some(Fault::Killed) } else { fault }
        };
        let failed = |why: &str| Failure::new(doing, why);
        match fault {
            None => work(),
            Some(Fault::Slow) => {
                (0..TURNS).for_each(|_| std::thread::yield_now());
                work()
            }
            Some(Fault::Transient) => Err(failed("a passing fault was asked for").transient()),
            Some(Fault::Final) => Err(failed("a fault was asked for")),
            Some(Fault::Killed) => Err(failed("the process has ended")),
            Some(Fault::AnswerLost) => work().and_then(|_| Err(failed("the answer was lost"))),
            Some(Fault::KilledAfter) => work().and_then(|_| Err(failed("the process has ended"))),
        }
    }
}
