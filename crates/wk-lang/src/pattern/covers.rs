//! Whether a pattern matches everything that another matches, as far as that can be said for sure.

use super::address::Range;
use super::compile::Pattern;
use super::walk::Leaf;
use super::want::{Between, Want};

impl Pattern {
    /// Whether every event that `other` matches is matched by this pattern too. `false` also where
    /// that is true for a reason that is not looked for.
    pub fn covers(&self, other: &Self) -> bool {
        let own = self.named();
        other.named().iter().all(|theirs| own.iter().any(|own| branch_covers(own, theirs)))
    }

    fn named(&self) -> Vec<Vec<(&str, &[Want])>> {
        let named = |(path, list): &(u32, u32)| {
            let wants = self.lists.get(*list as usize).map_or(&[][..], |wants| wants);
            (self.paths.name(*path), wants)
        };
        self.branches.iter().map(|branch| branch.fields.iter().map(named).collect()).collect()
    }
}

/// Asks for less, and for nothing else.
fn branch_covers(own: &[(&str, &[Want])], other: &[(&str, &[Want])]) -> bool {
    own.iter().all(|(path, wants)| {
        let same = other.iter().find(|(their, _)| their == path);
        same.is_some_and(|(_, theirs)| theirs.iter().all(|their| any_covers(wants, their)))
    })
}

fn any_covers(wants: &[Want], other: &Want) -> bool {
    wants.iter().any(|want| covers(want, other))
}

fn covers(own: &Want, other: &Want) -> bool {
    match (own, other) {
        (Want::Absent, Want::Absent) => true,
        (Want::Absent, _) | (_, Want::Absent) => false,
        (Want::Present, _) => true,
        (own, Want::Text(text)) => own.is(&Leaf::Text(text.as_ref().into())),
        (own, Want::Bool(value)) => own.is(&Leaf::Bool(*value)),
        (own, Want::Null) => own.is(&Leaf::Null),
        (Want::Number(own), Want::Number(other)) => own == other,
        (Want::Between(own), Want::Number(other)) => own.holds(other.written()),
        (Want::Between(own), Want::Between(other)) => between_covers(own, other),
        (Want::Addresses(own), Want::Addresses(other)) => Range::covers(own, other),
        (Want::Prefix(own), Want::Prefix(other)) => other.starts_with(&**own),
        (Want::Suffix(own), Want::Suffix(other)) => other.ends_with(&**own),
        (Want::Folded(own), Want::Folded(other))
        | (Want::FoldedPrefix(own), Want::FoldedPrefix(other))
        | (Want::FoldedSuffix(own), Want::FoldedSuffix(other)) => own == other,
        (Want::Wildcard(own), Want::Wildcard(other)) => own.is_same(other),
        // Whoever excludes less lets more through.
        (Want::But(own), Want::But(other)) => own.iter().all(|not| any_covers(other, not)),
        _ => false,
    }
}

fn between_covers(own: &Between, other: &Between) -> bool {
    let low = match (&own.low, &other.low) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((own, included)), Some((other, theirs))) => {
            own.compare(other).is_lt() || (own == other && (*included || !theirs))
        }
    };
    let high = match (&own.high, &other.high) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((own, included)), Some((other, theirs))) => {
            own.compare(other).is_gt() || (own == other && (*included || !theirs))
        }
    };
    low && high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(own: &str, other: &str) -> bool {
        Pattern::parse(own).unwrap().covers(&Pattern::parse(other).unwrap())
    }

    #[test]
    fn a_wider_pattern_covers_a_narrower_one() {
        for (wide, narrow) in [
            (r#"{"a":["x"]}"#, r#"{"a":["x"],"b":[1]}"#),
            (r#"{"a":["x","y"]}"#, r#"{"a":["y"]}"#),
            (r#"{"a":[{"prefix":"x"}]}"#, r#"{"a":["xy",{"prefix":"xz"}]}"#),
            (r#"{"a":[{"numeric":[">=",7]}]}"#, r#"{"a":[7,8.8,{"numeric":[">",7,"<",9]}]}"#),
            (r#"{"a":[{"exists":true}]}"#, r#"{"a":[{"wildcard":"*x"},null]}"#),
            (r#"{"a":[{"anything-but":["x"]}]}"#, r#"{"a":[{"anything-but":["x","y"]}]}"#),
            (r#"{"a":[{"cidr":"10.0.0.0/8"}]}"#, r#"{"a":["10.1.2.3",{"cidr":"10.1.0.0/16"}]}"#),
            (r#"{"$or":[{"a":[1]},{"a":[2]}]}"#, r#"{"a":[2]}"#),
        ] {
            assert!(covers(wide, narrow), "{wide} {narrow}");
            assert!(!covers(narrow, wide), "{narrow} {wide}");
        }
    }

    #[test]
    fn what_is_absent_covers_nothing_that_is_there() {
        assert!(!covers(r#"{"a":[{"exists":true}]}"#, r#"{"a":[{"exists":false}]}"#));
        assert!(!covers(r#"{"a":[{"exists":false}]}"#, r#"{"a":[1]}"#));
        assert!(!covers(r#"{"a":[{"numeric":[">",7]}]}"#, r#"{"a":[{"numeric":[">=",7]}]}"#));
        assert!(!covers(r#"{"a":["1.2.3.4"]}"#, r#"{"b":["1.2.3.4"]}"#));
    }
}
