//! How a source is, in one word.

use wk_model::Timestamp;
use wk_model::arrivals::{Path, hour_of};
use wk_model::selfwatch::SourceFacts;

use super::usual::Usual;
use super::{Limits, lag, silence};

/// How a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing of it is judged: the configuration says so.
    Off,
    /// It brings what is usual.
    Ok,
    /// Its history is too short to say what is usual, or all of it came as back-fill.
    Learning,
    /// It brings events later than the limit.
    Late,
    /// It brings nothing where something is usual.
    Silent,
}

impl State {
    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Ok => "ok",
            Self::Learning => "learning",
            Self::Late => "late",
            Self::Silent => "silent",
        }
    }
}

/// How a source is now.
pub fn state(source: &str, of: &SourceFacts, now: Timestamp, limits: &Limits) -> State {
    if !limits.judges(source) {
        return State::Off;
    }
    if silence::silence(source, of, now, limits).is_some() {
        return State::Silent;
    }
    if Path::ALL.into_iter().any(|path| lag::late(source, of, path, limits).is_some()) {
        return State::Late;
    }
    let before = of.last_live.map(hour_of);
    match before.map(|before| Usual::new(&of.volume, before).is_learning()) {
        Some(false) => State::Ok,
        _ => State::Learning,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene, rhythm};
    use super::*;

    #[test]
    fn a_source_is_learning_ok_late_or_silent() {
        let mut scene = Scene::fed("cloudtrail", MONDAY, 21 * 24, rhythm::day_and_night);
        let state_at = |scene: &Scene, seconds| {
            let of = &scene.ledger.sources["cloudtrail"];
            state("cloudtrail", of, scene.now.plus_seconds(seconds), &scene.limits).as_str()
        };
        assert_eq!([state_at(&scene, 60), state_at(&scene, 3_700)], ["ok", "silent"]);
        let young = Scene::fed("cloudtrail", MONDAY, 12, rhythm::day_and_night);
        assert_eq!(state_at(&young, 60), "learning");
        let lags = &mut scene.ledger.sources.get_mut("cloudtrail").unwrap().lags;
        let lag = lags.entry(Path::DeliveredReceived).or_default();
        (0..30).for_each(|_| lag.count(3_600_000_000));
        assert_eq!(state_at(&scene, 60), "late");
        scene.limits.sources.entry("cloudtrail".to_owned()).or_default().off = true;
        assert_eq!(state_at(&scene, 3_700), "off");
    }
}
