//! Which calls fail, and how.

use std::sync::{Arc, Mutex};

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
pub struct Faults {
    plan: Mutex<Plan>,
    /// What a call must get through first.
    within: Option<Arc<Faults>>,
}

#[derive(Debug, Default)]
struct Plan {
    planned: Vec<(u64, Fault)>,
    calls: u64,
    failed: u64,
    dead: bool,
    shut: bool,
}

/// How long a slow call lets others go first.
const TURNS: usize = 50;

impl Faults {
    /// These calls fail; the first call is number 1.
    pub fn at(planned: Vec<(u64, Fault)>) -> Self {
        Self { plan: Mutex::new(Plan { planned, ..Plan::default() }), within: None }
    }

    /// Those of one seam of a process: they come on top of what befalls all of it.
    pub fn within(all: Arc<Faults>) -> Self {
        Self { plan: Mutex::default(), within: Some(all) }
    }

    /// This fault hits the call that comes after so many others.
    pub fn plan(&self, after: u64, fault: Fault) {
        let mut plan = locked(&self.plan);
        let call = plan.calls + 1 + after;
        plan.planned.push((call, fault));
    }

    /// Nobody gets through from now on, or everybody again.
    pub fn shut(&self, shut: bool) {
        locked(&self.plan).shut = shut;
    }

    /// How many calls failed, those of a process that has ended left out.
    pub fn failed(&self) -> u64 {
        locked(&self.plan).failed
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        locked(&self.plan).calls
    }

    /// Whether the process has ended.
    pub fn dead(&self) -> bool {
        locked(&self.plan).dead
    }

    /// Does the work of a call, unless it is to fail.
    pub(super) fn call<T>(&self, doing: &str, work: impl FnOnce() -> Answer<T>) -> Answer<T> {
        let fault = match self.within.as_ref().and_then(|all| all.next()) {
            None => self.next(),
            fault => fault,
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

    /// What befalls the next call.
    fn next(&self) -> Option<Fault> {
        let mut plan = locked(&self.plan);
        plan.calls += 1;
        if plan.dead {
            return Some(Fault::Killed);
        }
        let call = plan.calls;
        let planned = plan.planned.iter().find(|(n, _)| *n == call).map(|(_, fault)| *fault);
        let fault = planned.or(plan.shut.then_some(Fault::Transient));
        plan.dead = matches!(fault, Some(Fault::Killed | Fault::KilledAfter));
        plan.failed += u64::from(fault.is_some_and(|fault| fault != Fault::Slow));
        fault
    }
}
