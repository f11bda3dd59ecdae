//! A record whose fields are looked for once, however many rules ask for them.

use std::cell::RefCell;

use super::field::{FieldPath, FieldValue, Record};

/// How many fields are remembered of one record; beyond, each is looked for again.
const FIELDS_MAX: usize = 24;

/// A record with the values that were found in it. Only fields of a rule set are remembered, by their
/// numbers, so all who ask must be of one set.
pub(super) struct Remembered<'a, R: ?Sized> {
    record: &'a R,
    /// Few: they are looked through one by one.
    known: RefCell<Vec<(usize, FieldValue<'a>)>>,
}

impl<'a, R: Record + ?Sized> Remembered<'a, R> {
    pub(super) fn new(record: &'a R) -> Self {
        Self { record, known: RefCell::new(Vec::with_capacity(FIELDS_MAX / 2)) }
    }
}

impl<R: Record + ?Sized> Record for Remembered<'_, R> {
    #[inline]
    fn field(&self, path: &FieldPath) -> FieldValue<'_> {
        let Some(number) = path.index() else { return self.record.field(path) };
        let mut known = self.known.borrow_mut();
        if let Some((_, value)) = known.iter().find(|(of, _)| *of == number) {
            return value.clone();
        }
        let value = self.record.field(path);
        if known.len() < FIELDS_MAX {
            known.push((number, value.clone()));
        }
        value
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
    fn a_field_is_what_the_record_says_however_many_are_asked_for() {
        let mut tape = Tape::new();
        let json: Vec<String> = (0..40).map(|n| format!("\"f{n}\":{n}")).collect();
        let json = ["{", &json.join(","), "}"].concat();
        let record = tape.parse(&json).unwrap();
        let remembered = Remembered::new(&record);
        let paths: Vec<FieldPath> = (0..40).map(|n| FieldPath::at(&format!("f{n}"), n)).collect();
        for (n, path) in paths.iter().chain(&paths).enumerate() {
            let mut said = String::new();
            remembered.field(path).each_text(&mut |text| said.push_str(text));
            assert_eq!(said, (n % 40).to_string());
        }
        assert!(remembered.known.borrow().len() == FIELDS_MAX);
    }
}
