//! The way out to people and their systems: HTTP and SMTP.
//!
//! * Every call has a limit in time and size; redirects are not followed.
//! * Secrets are read here, at the edge, and are in no `Debug` form, log line or error.
#![warn(missing_docs)]
