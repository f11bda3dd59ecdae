//! What is wrong with routes and patterns although they can be read.

use serde::Serialize;
use wk_lang::pattern::Pattern;
use wk_model::Timestamp;

use super::decide::Routes;
use super::route::Route;
use super::shapes;

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remark {
    /// The file it stands in.
    pub file: String,
    /// Line in the file.
    pub line: usize,
    /// The route, or the name of the pattern.
    pub route: String,
    /// A word for the kind of remark.
    pub kind: &'static str,
    /// What is wrong, and why that matters.
    pub say: String,
    /// What to write instead, where that can be said.
    pub instead: Option<String>,
}

/// A remark without its place.
pub(super) struct Flaw {
    pub(super) kind: &'static str,
    pub(super) say: String,
    pub(super) instead: Option<String>,
}

impl Flaw {
    pub(super) fn new(kind: &'static str, say: impl Into<String>) -> Self {
        Self { kind, say: say.into(), instead: None }
    }
}

/// Bytes of a pattern that EventBridge takes.
const AWS_BYTES: usize = 4_096;
/// Routes that are compared with each other.
const COMPARED_MAX: usize = 2_000;
/// Seconds after which a suppression has been forgotten: a year.
const LONG: i64 = 366 * 86_400;

/// Judges routes. `channels`: the names that the configuration knows, where it is known.
pub fn lint(routes: &Routes, channels: Option<&[String]>, now: Timestamp) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for (place, route) in routes.all().iter().enumerate() {
        let mut flaws = of_pattern(&route.pattern, route.pattern_text.len());
        flaws.extend(of_suppression(route, now));
        flaws.extend(channels.into_iter().flat_map(|known| of_channels(route, known)));
        if place < COMPARED_MAX {
            let before = routes.all().get(..place).unwrap_or(&[]);
            flaws.extend(shadow(route, before, now));
        }
        remarks.extend(flaws.into_iter().map(|flaw| Remark {
            file: route.file.clone(),
            line: route.place.line,
            route: route.name.clone(),
            kind: flaw.kind,
            say: flaw.say,
            instead: flaw.instead,
        }));
    }
    if routes.all().len() > COMPARED_MAX {
        remarks.push(Remark {
            file: "routes".to_owned(),
            line: 1,
            route: "all".to_owned(),
            kind: "not-compared",
            say: format!(
                "only the first {COMPARED_MAX} of {} routes were compared with those before them",
                routes.all().len()
            ),
            instead: None,
        });
    }
    remarks
}

/// Judges one pattern, from a file.
pub fn lint_pattern(pattern: &Pattern, text: &str, name: &str, file: &str) -> Vec<Remark> {
    let flaws = of_pattern(pattern, text.len());
    let remark = |flaw: Flaw| Remark {
        file: file.to_owned(),
        line: 1,
        route: name.to_owned(),
        kind: flaw.kind,
        say: flaw.say,
        instead: flaw.instead,
    };
    flaws.into_iter().map(remark).collect()
}

fn of_pattern(pattern: &Pattern, bytes: usize) -> Vec<Flaw> {
    let mut flaws: Vec<Flaw> = Vec::new();
    for branch in pattern.branches() {
        for field in &branch {
            flaws.extend(severity_list(field.path, field.numbers.as_deref()));
        }
        flaws.extend(shapes::judge(&branch));
    }
    if bytes > AWS_BYTES {
        let say = format!("the pattern has {bytes} bytes; EventBridge would take {AWS_BYTES}");
        flaws.push(Flaw::new("long", say));
    }
    flaws.sort_by(|a, b| (a.kind, &a.say).cmp(&(b.kind, &b.say)));
    flaws.dedup_by(|a, b| (a.kind, &a.say) == (b.kind, &b.say));
    flaws
}

/// A severity as a list of numbers misses those between: 7.5 is no member of 7, 8, 8.8.
fn severity_list(path: &str, numbers: Option<&[f64]>) -> Option<Flaw> {
    let numbers = numbers?;
    let is_severity =
        path.rsplit('.').next().is_some_and(|key| key.eq_ignore_ascii_case("severity"));
    let least = numbers.iter().copied().reduce(f64::min).filter(|_| is_severity)?;
    let most = numbers.iter().copied().fold(least, f64::max);
    let told: Vec<String> = numbers.iter().take(10).map(ToString::to_string).collect();
    let missed = [least + 0.5, least + 0.1, most + 0.5]
        .into_iter()
        .find(|missed| !numbers.iter().any(|n| (n - missed).abs() < 1e-9));
    let missed = missed.map_or_else(String::new, |n| format!("; {n:.1}, say, goes by"));
    // Where the words of the scale end: low below 4, medium below 7.
    let end = [4.0, 7.0].into_iter().find(|end| most < *end);
    let instead = match end {
        Some(end) => format!(r#"{path}: [{{"numeric": [">=", {least}, "<", {end}]}}]"#),
        None => format!(r#"{path}: [{{"numeric": [">=", {least}]}}]"#),
    };
    let say = format!(
        "{path} [{}] matches just these numbers{missed}. Severity is a scale in tenths: ask for a range",
        told.join(", ")
    );
    Some(Flaw { kind: "severity-list", say, instead: Some(instead) })
}

fn of_suppression(route: &Route, now: Timestamp) -> Option<Flaw> {
    let until = route.suppress.as_ref()?.until;
    if until <= now {
        let say =
            format!("it suppressed until {until}; that is over, so it does nothing: remove it");
        return Some(Flaw::new("expired", say));
    }
    let long = until > now.plus_seconds(LONG);
    let say =
        format!("it suppresses until {until}, more than a year from now: nobody will look at it");
    long.then(|| Flaw::new("long-suppression", say))
}

fn of_channels(route: &Route, known: &[String]) -> Vec<Flaw> {
    let channels = route.notify.iter().flat_map(|tell| &tell.channels);
    let unknown = channels.filter(|channel| !known.contains(channel));
    let flaw = |channel: &String| {
        let near = wk_lang::nearest::nearest(channel, known.iter().map(String::as_str));
        let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        let say = format!("the configuration has no [channels.{channel}]{near}");
        Flaw::new("unknown-channel", say)
    };
    unknown.map(flaw).collect()
}

/// A route that is never reached, because one before it matches all that it matches.
fn shadow(route: &Route, before: &[Route], now: Timestamp) -> Option<Flaw> {
    let ends =
        |other: &&Route| !other.goes_on && other.suppress.as_ref().is_none_or(|it| it.until > now);
    let first = before.iter().filter(ends).find(|other| other.pattern.covers(&route.pattern))?;
    let say = format!(
        "{} ({}, line {}) matches all that this route matches, and decides: this one is never asked",
        first.name, first.file, first.place.line
    );
    let instead = Some(format!("continue: true in {}, or this route before it", first.name));
    Some(Flaw { kind: "shadowed", say, instead })
}
