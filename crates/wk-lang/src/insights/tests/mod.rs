//! Tests of the whole: text in, query or mistakes out.

mod form;
mod limits;
mod meaning;
mod reads;
mod round_trip;
