//! The decision: routes, an event and a time in; outcomes out.

use std::collections::BTreeMap;

use serde::Serialize;
use wk_lang::json::Tape;
use wk_lang::pattern::{PatternSet, Scratch, Verdict};
use wk_model::Timestamp;
use wk_model::finding::Origin;

use super::event::RoutedEvent;
use super::outcome::{Outcome, QuietReason};
use super::read::{BadRoute, RouteFile, read};
use super::route::Route;
use super::{BUILT_IN, BUILT_IN_NAME};

/// Routes in the order in which they are asked, with the index of their patterns.
#[derive(Debug)]
pub struct Routes {
    routes: Vec<Route>,
    set: PatternSet,
    /// Whether a route asks for what only a product's own report says.
    deep: bool,
}

/// A route that matches, and what came of it.
#[derive(Debug, Clone)]
pub struct Step<'r> {
    /// The route.
    pub route: &'r Route,
    /// The shape of the event that it matches, by its place in [`RoutedEvent::faces`].
    pub face: usize,
    /// Whether that took more work than an event may cost, so that it only may match.
    pub unclear: bool,
    /// What came of it.
    pub taken: Taken,
}

/// What came of a route that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taken {
    /// It decides.
    Decides,
    /// It decides, and those behind it are asked too.
    GoesOn,
    /// A route before it decided.
    TooLate,
    /// It suppressed until a time that is over.
    Expired,
    /// It would suppress, but only may match.
    Unclear,
}

impl Routes {
    /// The built-in routes alone.
    ///
    /// # Errors
    /// If one of them is broken, which their tests rule out.
    pub fn built_in() -> Result<Self, BadRoute> {
        match Self::with_own([]) {
            (routes, bad) if bad.is_empty() => Ok(routes),
            (_, bad) => Err(bad.into_iter().next().unwrap_or_else(BadRoute::unknown)),
        }
    }

    /// Own routes, each file by its name and text, before the built-in ones. An own route takes the
    /// name of a built-in one from it. What is broken is left out and told.
    pub fn with_own<'f>(
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> (Self, Vec<BadRoute>) {
        let mut bad = Vec::new();
        let mut own: Vec<Route> = Vec::new();
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let mut off = Vec::new();
        for (name, text) in files {
            let RouteFile { routes, switched_off, bad: broken } = read(name, text);
            bad.extend(broken);
            off.extend(switched_off);
            for route in routes {
                match names.get(&route.name).and_then(|place| own.get(*place)) {
                    Some(other) => bad.push(BadRoute::twice(&route, other)),
                    None => {
                        names.insert(route.name.clone(), own.len());
                        own.push(route);
                    }
                }
            }
        }
        let built_in = read(BUILT_IN_NAME, BUILT_IN);
        bad.extend(built_in.bad);
        for (name, place, file) in &off {
            if !built_in.routes.iter().any(|route| route.name == *name) {
                bad.push(BadRoute::not_built_in(name, *place, file));
            }
        }
        let stays = |route: &Route| {
            !names.contains_key(&route.name) && !off.iter().any(|(name, ..)| *name == route.name)
        };
        own.extend(built_in.routes.into_iter().filter(stays));
        (Self::new(own), bad)
    }

    /// Exactly these routes, in this order.
    pub fn new(routes: Vec<Route>) -> Self {
        let set = PatternSet::new(routes.iter().map(|route| &route.pattern));
        let deep = routes.iter().any(asks_reports);
        Self { routes, set, deep }
    }

    /// Whether a finding must be given with its product's own report ([`RoutedEvent::of_report`]): a
    /// route asks for fields of `detail` in AWS's shape, of which a finding keeps only some.
    pub fn ask_reports(&self) -> bool {
        self.deep
    }

    /// The routes in their order.
    pub fn all(&self) -> &[Route] {
        &self.routes
    }

    /// Every route that matches, in order, and what came of each.
    pub fn steps(&self, event: &RoutedEvent, now: Timestamp) -> Vec<Step<'_>> {
        let mut decided = false;
        let matching = self.matching(event);
        let steps = matching.into_iter().filter_map(|(place, (verdict, face))| {
            let route = self.routes.get(place)?;
            let unclear = verdict == Verdict::Unclear;
            let expired = route.suppress.as_ref().is_some_and(|it| it.until <= now);
            let taken = match () {
                () if expired => Taken::Expired,
                () if decided => Taken::TooLate,
                () if unclear && route.suppress.is_some() => Taken::Unclear,
                // What only may match is told, and does not keep others from being asked.
                () if route.goes_on || unclear => Taken::GoesOn,
                () => Taken::Decides,
            };
            decided |= taken == Taken::Decides;
            Some(Step { route, face, unclear, taken })
        });
        steps.collect()
    }

    /// The places of the routes that match one of the event's shapes, the surest verdict of each, and
    /// the shape.
    fn matching(&self, event: &RoutedEvent) -> BTreeMap<usize, (Verdict, usize)> {
        let (mut tape, mut scratch, mut found) = (Tape::new(), Scratch::default(), Vec::new());
        let mut matching: BTreeMap<usize, (Verdict, usize)> = BTreeMap::new();
        for (place, face) in event.faces().iter().enumerate() {
            match tape.parse(&face.text) {
                Ok(value) => self.set.verdicts(value, &mut scratch, &mut found),
                // What cannot be read may be anything.
                Err(_) => {
                    found = (0..self.routes.len()).map(|n| (n, Verdict::Unclear)).collect();
                }
            }
            for (route, verdict) in found.drain(..) {
                let best = matching.entry(route).or_insert((verdict, place));
                if verdict > best.0 {
                    *best = (verdict, place);
                }
            }
        }
        let asked = event
            .asked_by()
            .and_then(|name| self.routes.iter().position(|route| route.name == name));
        if let Some(place) = asked {
            matching.insert(place, (Verdict::Yes, 0));
        }
        matching
    }
}

/// Whether a route asks for something in `detail` of events that are not our own.
fn asks_reports(route: &Route) -> bool {
    route.pattern.branches().any(|fields| {
        let source = fields.iter().find(|field| field.path == "source");
        let ours = source.and_then(|field| field.texts.as_ref());
        let ours = ours.is_some_and(|texts| texts.iter().all(|text| *text == "watchkeeper"));
        !ours && fields.iter().any(|field| field.path.starts_with("detail."))
    })
}

/// What follows from an event at a time. Empty: no route matches.
pub fn decide(routes: &Routes, event: &RoutedEvent, now: Timestamp) -> Vec<Outcome> {
    let quiet = match (event.is_drill(), event.origin()) {
        (true, _) => Some(QuietReason::Drill),
        (false, Origin::BackFill) => Some(QuietReason::BackFill),
        (false, Origin::Live) => None,
    };
    routes
        .steps(event, now)
        .iter()
        .filter(|step| matches!(step.taken, Taken::Decides | Taken::GoesOn))
        .flat_map(|step| Outcome::of(step.route))
        .map(|outcome| match quiet {
            Some(reason) => outcome.quietly(reason),
            None => outcome,
        })
        .collect()
}
