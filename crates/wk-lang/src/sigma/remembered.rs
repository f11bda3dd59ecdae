//! A record whose fields are looked for once, however many rules ask for them.

use std::cell::RefCell;

use super::field::{FieldPath, FieldValue, Record};

/// How many fields are remembered; those that share a place take turns.
const PLACES: usize = 32;

/// A record with the values that were found in it. Only fields of a rule set are remembered, by their
/// numbers, so all who ask must be of one set.
pub(super) struct Remembered<'a, R: ?Sized> {
    record: &'a R,
    known: RefCell<[(usize, FieldValue<'a>); PLACES]>,
}

impl<'a, R: Record + ?Sized> Remembered<'a, R> {
    pub(super) fn new(record: &'a R) -> Self {
        let nothing = [const { (usize::MAX, FieldValue::Absent) }; PLACES];
        Self { record, known: RefCell::new(nothing) }
    }
}

impl<R: Record + ?Sized> Record for Remembered<'_, R> {
    #[inline]
    fn field(&self, path: &FieldPath) -> FieldValue<'_> {
        let Some(number) = path.index() else { return self.record.field(path) };
        let mut known = self.known.borrow_mut();
        let (of, value) = &mut known[number % PLACES];
        if *of != number {
            (*of, *value) = (number, self.record.field(path));
        }
        value.clone()
    }

    fn any_text(&self, look: &mut dyn FnMut(&str) -> bool) -> bool {
        self.record.any_text(look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Tape;

    #[test]
    fn fields_that_share_a_place_are_not_taken_for_each_other() {
        let mut tape = Tape::new();
        let record = tape.parse(r#"{"a":1,"b":2}"#).unwrap();
        let remembered = Remembered::new(&record);
        let (a, b) = (FieldPath::at("a", 3), FieldPath::at("b", 3 + PLACES));
        let asked = [&a, &b, &a, &FieldPath::new("b")];
        let said = asked.map(|path| {
            let mut said = String::new();
            remembered.field(path).each_text(&mut |text| said.push_str(text));
            said
        });
        assert_eq!(said, ["1", "2", "1", "2"]);
    }
}
