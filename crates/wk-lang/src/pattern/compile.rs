//! From the text of a pattern to its branches.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::json::{Kind, Tape, Value};

use super::Verdict;
use super::branch::Branch;
use super::operator::wants;
use super::paths::Paths;
use super::refused::{Fault, Refused, quoted};
use super::walk::{Event, Scratch};
use super::want::Want;

/// A pattern: branches, of which one has to match. Without `$or` there is one.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub(super) paths: Paths,
    /// The lists of wants that branches name.
    pub(super) lists: Vec<Box<[Want]>>,
    pub(super) branches: Vec<Branch>,
}

impl Pattern {
    /// Bytes of a pattern; EventBridge takes 4,096.
    pub const BYTES_MAX: usize = 65_536;
    /// Branches that every `$or` together may make.
    pub const BRANCHES_MAX: usize = 1_000;
    /// Fields of all branches together.
    const CELLS_MAX: usize = 100_000;

    /// Reads a pattern.
    ///
    /// # Errors
    /// The first thing that EventBridge would not take, in its own words; or that the text is no
    /// JSON, or beyond a limit, in ours.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        if text.len() > Self::BYTES_MAX {
            let reason = format!("the pattern is longer than {} bytes", Self::BYTES_MAX);
            return Err(Refused::at(text, 0, reason));
        }
        let mut tape = Tape::new();
        let pattern =
            tape.parse(text).map_err(|defect| Refused::at(text, defect.position, defect.reason))?;
        let mut compiler = Compiler::default();
        let mut drafts = Vec::new();
        if pattern.kind() != Kind::Object {
            return Err(Refused::at(text, pattern.position(), "Filter is not an object"));
        }
        compiler.object(pattern, None, &mut drafts, false).map_err(|fault| fault.told(text))?;
        let Compiler { paths, lists, .. } = compiler;
        let branches = drafts.into_iter().map(|draft| Branch::new(draft, &paths)).collect();
        Ok(Self { paths, lists, branches })
    }

    /// Whether it matches one event. What is no object is no event.
    pub fn verdict(&self, event: Value<'_>) -> Verdict {
        if event.kind() != Kind::Object {
            return Verdict::No;
        }
        let mut scratch = Scratch::default();
        let Some(event) = Event::walk(event, &self.paths, &mut scratch) else {
            return Verdict::Unclear;
        };
        self.branches
            .iter()
            .map(|branch| branch.verdict(&self.lists, &event, &mut scratch))
            .max()
            .unwrap_or(Verdict::No)
    }
}

/// What a branch asks of each field: paths, and lists by their place.
pub(super) type Draft = BTreeMap<u32, u32>;

/// Field names that `$or` keeps for itself.
const RESERVED: [&str; 22] = [
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
];
const RESERVED_ADDRESSES: [&str; 2] = ["ip-address-in-range", "ip-address-not-in-range"];

#[derive(Default)]
struct Compiler {
    paths: Paths,
    lists: Vec<Box<[Want]>>,
    /// Fields of all drafts that were made.
    cells: usize,
}

impl Compiler {
    /// Adds what an object asks to every draft.
    fn object(
        &mut self,
        object: Value<'_>,
        path: Option<&str>,
        drafts: &mut Vec<Draft>,
        inside_or: bool,
    ) -> Result<(), Fault> {
        let mut empty = true;
        for (key, value) in object.fields() {
            empty = false;
            if key == "$or" {
                self.either(value, path, drafts)?;
                continue;
            }
            if inside_or && is_reserved(&key) {
                let reason =
                    format!("{key} is Ruler reserved fieldName which cannot be used inside $or.");
                return Err(Fault::new(value, reason));
            }
            let inner = joined(path, &key);
            match value.kind() {
                Kind::Object => self.object(value, Some(&inner), drafts, inside_or)?,
                Kind::Array => self.field(value, &inner, drafts)?,
                _ => {
                    let reason = format!("\"{}\" must be an object or an array", quoted(&key));
                    return Err(Fault::new(value, reason));
                }
            }
        }
        if empty { Err(Fault::new(object, "Empty objects are not allowed")) } else { Ok(()) }
    }

    /// Asks something of one field in every draft; what was asked of it before is forgotten.
    fn field(&mut self, list: Value<'_>, path: &str, drafts: &mut Vec<Draft>) -> Result<(), Fault> {
        let place = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
        self.lists.push(wants(list)?.into());
        let path = self.paths.intern(path);
        if drafts.is_empty() {
            drafts.push(Draft::new());
        }
        self.count(list, drafts.len())?;
        for draft in drafts {
            draft.insert(path, place);
        }
        Ok(())
    }

    /// `$or`: every draft goes on in as many ways as there are objects.
    fn either(
        &mut self,
        list: Value<'_>,
        path: Option<&str>,
        drafts: &mut Vec<Draft>,
    ) -> Result<(), Fault> {
        if list.kind() != Kind::Array {
            return Err(Fault::new(list, "It must be an Array followed with $or."));
        }
        let before = std::mem::take(drafts);
        let mut objects = 0;
        for object in list.items() {
            objects += 1;
            if object.kind() != Kind::Object {
                let reason = "Only JSON object is allowed in array of $or relationship.";
                return Err(Fault::new(object, reason));
            }
            self.count(object, before.iter().map(|draft| draft.len() + 1).sum())?;
            let mut forked = before.clone();
            if forked.is_empty() {
                forked.push(Draft::new());
            }
            self.object(object, path, &mut forked, true)?;
            drafts.append(&mut forked);
            if drafts.len() > Pattern::BRANCHES_MAX {
                let most = Pattern::BRANCHES_MAX;
                return Err(Fault::new(object, format!("$or makes more than {most} branches")));
            }
        }
        if objects < 2 {
            let reason = "There must have at least 2 Objects in $or relationship.";
            return Err(Fault::new(list, reason));
        }
        Ok(())
    }

    fn count(&mut self, at: Value<'_>, cells: usize) -> Result<(), Fault> {
        self.cells += cells;
        if self.cells > Pattern::CELLS_MAX {
            let most = Pattern::CELLS_MAX;
            return Err(Fault::new(at, format!("the branches have more than {most} fields")));
        }
        Ok(())
    }
}

fn is_reserved(key: &str) -> bool {
    RESERVED.contains(&key) || RESERVED_ADDRESSES.contains(&key)
}

/// Keys are joined by dots, wherever the dots were written.
fn joined<'k>(path: Option<&str>, key: &'k str) -> Cow<'k, str> {
    path.map_or(Cow::Borrowed(key), |path| Cow::Owned(format!("{path}.{key}")))
}

/// Interns lists and paths of several patterns in one set.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) paths: Paths,
    pub(super) lists: Vec<Box<[Want]>>,
}

impl Merged {
    /// The branches of a pattern, by the set's paths and lists.
    pub(super) fn add(&mut self, pattern: &Pattern) -> Vec<Branch> {
        let first = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
        self.lists.extend(pattern.lists.iter().cloned());
        let mut known: HashMap<u32, u32> = HashMap::new();
        let mut path = |own: u32| {
            *known.entry(own).or_insert_with(|| self.paths.intern(pattern.paths.name(own)))
        };
        let moved = |branch: &Branch| branch.moved(&mut path, first);
        pattern.branches.iter().map(moved).collect()
    }
}
