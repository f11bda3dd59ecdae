//! Queries of Logs Insights over small lakes.

mod agreement;
mod answers;
mod cases;
mod conformance;
mod engine;
mod hostile;
mod records;
mod reference;
