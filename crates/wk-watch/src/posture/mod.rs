//! What the captures of one walk are together: looked up by account, region and question.
//!
//! * A lookup answers what is there, that there is nothing, or that it cannot be told ([`Blind`]). So a
//!   check cannot take what was denied for what is not there.
//! * A [`View`] notes every capture that was looked at: that is the evidence of a verdict.
//! * Pure: knows nothing of where captures come from.

pub mod changes;
pub mod drift;
pub mod last;
pub mod members;
mod renewed;
mod touched;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wk_model::capture::{GLOBAL, Outcome};
use wk_model::{Capture, Timestamp};

pub use renewed::renewed;
pub use touched::Touched;
pub use view::{Blind, View};

/// Who we are in an account: asked first, so its refusal says why nothing else is known.
const IDENTITY: &str = "sts:GetCallerIdentity";
/// The accounts of the organisation.
const ACCOUNTS: &str = "organizations:ListAccounts";

/// The captures of one walk.
pub struct Posture {
    captures: Vec<Capture>,
    /// Places of captures by account and question.
    by_question: BTreeMap<(String, String), Vec<usize>>,
    /// The same by the value of one of the parameters too.
    by_parameter: BTreeMap<(String, String, String), Vec<usize>>,
    /// Regions by account.
    regions: BTreeMap<String, BTreeSet<String>>,
    now: Timestamp,
}

impl Posture {
    /// What these captures are together. Of several with the same name the last one counts.
    pub fn of(captures: Vec<Capture>) -> Self {
        let mut last: BTreeMap<String, Capture> = BTreeMap::new();
        for capture in captures {
            last.insert(capture.id.clone(), capture);
        }
        let mut posture = Self {
            captures: last.into_values().collect(),
            by_question: BTreeMap::new(),
            by_parameter: BTreeMap::new(),
            regions: BTreeMap::new(),
            now: Timestamp::default(),
        };
        // In the order in which they were asked, so that lists are told in that order.
        posture.captures.sort_by(|a, b| (&a.region, &a.at, &a.id).cmp(&(&b.region, &b.at, &b.id)));
        for place in 0..posture.captures.len() {
            posture.enter(place);
        }
        posture
    }

    fn enter(&mut self, place: usize) {
        let Some(capture) = self.captures.get(place) else { return };
        let (account, key) = (capture.account.clone(), capture.key());
        if let Value::Object(members) = &capture.parameters {
            for value in members.values().filter_map(Value::as_str) {
                let at = (account.clone(), key.clone(), value.to_owned());
                self.by_parameter.entry(at).or_default().push(place);
            }
        }
        let regions = self.regions.entry(account.clone()).or_default();
        if capture.region != GLOBAL {
            regions.insert(capture.region.clone());
        }
        if let Ok(at) = Timestamp::parse(&capture.at) {
            self.now = self.now.max(at);
        }
        self.by_question.entry((account, key)).or_default().push(place);
    }

    /// Every account that was walked or tried, in order.
    pub fn accounts(&self) -> impl Iterator<Item = &str> {
        self.regions.keys().map(String::as_str)
    }

    /// The regions of an account that were walked or tried, in order.
    pub fn regions<'a>(&'a self, account: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.regions.get(account).into_iter().flatten().map(String::as_str)
    }

    /// How many captures there are.
    pub fn len(&self) -> usize {
        self.captures.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.captures.is_empty()
    }

    /// The time of the last capture: for ages.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// All captures, by region and time.
    pub fn captures(&self) -> &[Capture] {
        &self.captures
    }

    /// The account that tells the organisation's accounts, where one does.
    pub fn management(&self) -> Option<&str> {
        let tells = |place: &usize| {
            let capture = self.captures.get(*place)?;
            matches!(capture.outcome, Outcome::Answered | Outcome::Partial)
                .then_some(capture.account.as_str())
        };
        let asked = self.by_question.iter().filter(|((_, key), _)| key == ACCOUNTS);
        asked.flat_map(|(_, places)| places).find_map(tells)
    }

    /// The view from a region of an account; [`GLOBAL`] for what is one for the account.
    pub fn view<'a>(&'a self, account: &'a str, region: &'a str) -> View<'a> {
        View::new(self, account, region)
    }

    /// Why nothing is known of an account, where entering it failed.
    fn not_entered(&self, account: &str) -> Option<&Capture> {
        let places = self.by_question.get(&(account.to_owned(), IDENTITY.to_owned()))?;
        let capture = self.captures.get(*places.first()?)?;
        matches!(capture.outcome, Outcome::Denied | Outcome::Failed).then_some(capture)
    }

    fn asked<'a>(
        &'a self,
        account: &str,
        key: &str,
        value: Option<&str>,
    ) -> impl Iterator<Item = &'a Capture> + use<'a> {
        let places = match value {
            None => self.by_question.get(&(account.to_owned(), key.to_owned())),
            Some(value) => {
                let at = (account.to_owned(), key.to_owned(), value.to_owned());
                self.by_parameter.get(&at)
            }
        };
        places.into_iter().flatten().filter_map(|place| self.captures.get(*place))
    }
}
