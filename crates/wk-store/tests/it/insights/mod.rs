//! Queries of Logs Insights over small lakes.

mod answers;
mod conformance;
mod hostile;
mod records;
