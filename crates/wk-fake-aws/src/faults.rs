//! What goes wrong on purpose.

/// A fault, for the next request it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Refused for too many requests; nothing was done.
    Throttle,
    /// The service fails; nothing was done.
    Error,
    /// The request is carried out, and then the connection ends without an answer.
    SilentAfterEffect,
    /// The connection ends before anything was done.
    HangUp,
}

/// Faults that wait for their requests.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(String, Fault, u32)>);

impl Faults {
    pub(crate) fn add(&mut self, action: &str, fault: Fault, times: u32) {
        self.0.push((action.to_owned(), fault, times));
    }

    /// The fault for this request, if one waits; it is used up.
    pub(crate) fn take(&mut self, action: &str) -> Option<Fault> {
        let waits = |(of, _, times): &&mut (String, Fault, u32)| of == action && *times > 0;
        let (_, fault, times) = self.0.iter_mut().find(waits)?;
        *times -= 1;
        Some(*fault)
    }
}
