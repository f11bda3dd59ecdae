//! What a set of rows holds, whatever their order: before and after they are written anew.

use arrow_array::RecordBatch;
use datafusion::common::hash_utils::{QualityRandomState, create_hashes};
use datafusion::error::Result;

/// A sum over rows. Equal sums: the same rows, each as often as before (but for a chance of one in
/// 2^64). It notices what goes wrong by mistake; against ill will there is the file's SHA-256.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Content {
    rows: u64,
    sum: u64,
}

impl Content {
    /// Counts a batch in.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let state = QualityRandomState::with_seed(0x6c61_6b65);
        let mut rows = vec![0u64; batch.num_rows()];
        for column in batch.columns() {
            let mut cells = vec![0; batch.num_rows()];
            create_hashes([column], &state, &mut cells)?;
            // Not linear, so that cells which changed places between rows do not sum up to the same.
            for (row, cell) in rows.iter_mut().zip(cells) {
                let mixed = (*row ^ cell).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                *row = (mixed ^ (mixed >> 32)).wrapping_add(1);
            }
        }
        self.rows += batch.num_rows() as u64;
        self.sum = rows.iter().fold(self.sum, |sum, row| sum.wrapping_add(*row));
        Ok(())
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray};

    use super::*;

    fn content(rows: &[[Option<&str>; 2]]) -> Content {
        let column = |n: usize| Arc::new(rows.iter().map(|r| r[n]).collect::<StringArray>());
        let (a, b): (ArrayRef, ArrayRef) = (column(0), column(1));
        let mut content = Content::default();
        content.add(&RecordBatch::try_from_iter([("a", a), ("b", b)]).unwrap()).unwrap();
        content
    }

    #[test]
    fn order_does_not_matter_and_every_cell_does() {
        let (x, y) = ([Some("x"), Some("1")], [Some("y"), None]);
        assert_eq!(content(&[x, y]), content(&[y, x]));
        for other in [
            vec![x],
            vec![x, y, y],
            vec![x, x],
            vec![x, [None, Some("y")]],
            vec![[Some("x"), None], [Some("y"), Some("1")]],
        ] {
            assert_ne!(content(&[x, y]), content(&other), "{other:?}");
        }
    }
}
