//! What the functions of a query do to one text: pure, without columns.
//!
//! * Every function takes any text, and says "no value" (`None`) where the text is not of its kind.
//! * Memory is bounded by what comes in; nothing recurses over the text.

pub mod address;
pub mod arn;
pub mod codec;
pub mod natural;
pub mod number;
pub mod path;

pub use address::Block;
pub use path::Path;
