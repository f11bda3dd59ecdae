//! Tests of the whole: text in, query or mistakes out.

mod limits;
