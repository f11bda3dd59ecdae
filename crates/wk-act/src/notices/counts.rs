//! What became of the findings and groups of a turn, in numbers.

/// What became of the findings and groups of a turn. Every finding that was not told of at once is
/// counted somewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Findings that changed.
    pub changed: u64,
    /// Findings that a route suppresses.
    pub suppressed: u64,
    /// Findings that were opened again because the exception that covered them ended.
    pub reopened: u64,
    /// Findings that an exception covers: nobody is told while it counts.
    pub excepted: u64,
    /// Findings that somebody has decided about and that only went on: they are told of again when
    /// they are worse than they were, or open again.
    pub decided: u64,
    /// Findings of rules that are only being tried.
    pub dry_run: u64,
    /// Findings that no route wants.
    pub unrouted: u64,
    /// Findings that went into the digest.
    pub digested: u64,
    /// Requests that were kept.
    pub requested: u64,
    /// Findings held back by a silence, when their group was due.
    pub silenced: u64,
    /// Findings held back by another alarm, when their group was due.
    pub inhibited: u64,
    /// Notices held back because their channel is muted.
    pub muted: u64,
    /// Notices that went together with others because there were too many.
    pub flooded: u64,
    /// Notices that went to the record because their channel is not configured.
    pub unconfigured: u64,
    /// Alarms that nobody acknowledged in time.
    pub escalated: u64,
    /// How often the product that keeps the rota did not say, or not as it should, who is on call.
    pub oncall_doubts: u64,
    /// Alarms that were repeated.
    pub repeated: u64,
    /// Groups that were closed.
    pub closed: u64,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, more: &Self) {
        self.changed += more.changed;
        self.suppressed += more.suppressed;
        self.reopened += more.reopened;
        self.excepted += more.excepted;
        self.decided += more.decided;
        self.dry_run += more.dry_run;
        self.unrouted += more.unrouted;
        self.digested += more.digested;
        self.requested += more.requested;
        self.silenced += more.silenced;
        self.inhibited += more.inhibited;
        self.muted += more.muted;
        self.flooded += more.flooded;
        self.unconfigured += more.unconfigured;
        self.escalated += more.escalated;
        self.oncall_doubts += more.oncall_doubts;
        self.repeated += more.repeated;
        self.closed += more.closed;
    }
}
