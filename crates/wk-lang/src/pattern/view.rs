//! What a pattern asks, for those who judge patterns rather than events.

use super::compile::Pattern;
use super::want::Want;

/// What a branch asks of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field<'p> {
    /// Keys joined by dots.
    pub path: &'p str,
    /// The texts it may be, where the list holds nothing but texts; addresses are none.
    pub texts: Option<Vec<&'p str>>,
    /// The numbers it may be, where the list holds nothing but numbers.
    pub numbers: Option<Vec<f64>>,
    /// Whether it must be there: nothing in the list asks for its absence.
    pub required: bool,
}

impl Pattern {
    /// The branches, each with its fields.
    pub fn branches(&self) -> impl Iterator<Item = Vec<Field<'_>>> {
        self.branches.iter().map(|branch| {
            let field = |(path, list): &(u32, u32)| {
                let wants = self.lists.get(*list as usize).map_or(&[][..], |wants| wants);
                Field::new(self.paths.name(*path), wants)
            };
            branch.fields.iter().map(field).collect()
        })
    }
}

impl<'p> Field<'p> {
    fn new(path: &'p str, wants: &'p [Want]) -> Self {
        let text = |want: &'p Want| match want {
            Want::Text(text) => Some(&**text),
            _ => None,
        };
        let number = |want: &Want| match want {
            Want::Number(number) => number.written().nearest(),
            _ => None,
        };
        Self {
            path,
            texts: wants.iter().map(text).collect(),
            numbers: wants.iter().map(number).collect(),
            required: !wants.iter().any(|want| matches!(want, Want::Absent)),
        }
    }
}
