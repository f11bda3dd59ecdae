//! Impossible travel: whether one person can have been in two places.
//!
//! * With coordinates: what lies between the places, less what both may be off, against the speed of
//!   an airliner.
//! * With countries only the bar is higher: nothing is said of one country, one continent, or two
//!   that have a border or a strait in common; of others a distance that is surely too small is taken.
//! * Pure, and the same whichever of the two comes first.

use wk_model::Timestamp;

use super::{Coordinates, Place};

/// Somebody was seen somewhere.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// When.
    pub time: Timestamp,
    /// Where.
    pub place: &'a Place,
}

/// What is asked for before travel is called impossible.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The speed that nobody has, in kilometres an hour.
    pub speed_kmh: f64,
    /// Nearer places are never told: databases are not that exact.
    pub distance_km: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { speed_kmh: 900.0, distance_km: 500.0 }
    }
}

/// How two sightings go together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Travel {
    /// The least distance that is sure, in kilometres.
    pub distance_km: f64,
    /// The least speed that is sure, in kilometres an hour.
    pub speed_kmh: f64,
    /// What that means.
    pub verdict: Verdict,
}

/// Whether somebody can have travelled so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They can.
    Possible,
    /// They cannot.
    Impossible,
    /// What is known does not say.
    Unknown,
}

const EARTH_RADIUS_KM: f64 = 6_371.0;
/// Times are not more exact than that.
const SECONDS_MIN: f64 = 60.0;
/// What coordinates may be off where the database does not say.
const ACCURACY_KM: u16 = 100;
/// What lies at least between two places on continents that are no neighbours, but for a few islands.
const CONTINENTS_KM: f64 = 2_000.0;

/// Judges two sightings of one person.
pub fn travel(one: Seen<'_>, other: Seen<'_>, limits: Limits) -> Travel {
    let Some(distance_km) = distance(one.place, other.place) else {
        return Travel { distance_km: 0.0, speed_kmh: 0.0, verdict: Verdict::Unknown };
    };
    let micros = one.time.micros().abs_diff(other.time.micros());
    #[expect(clippy::cast_precision_loss, reason = "a microsecond more or less is no matter")]
    let hours = (micros as f64 / 1e6).max(SECONDS_MIN) / 3_600.0;
    let speed_kmh = distance_km / hours;
    let impossible = distance_km > limits.distance_km && speed_kmh > limits.speed_kmh;
    let verdict = if impossible { Verdict::Impossible } else { Verdict::Possible };
    Travel { distance_km, speed_kmh, verdict }
}

/// The least distance that is sure; `None` if nothing is.
fn distance(one: &Place, other: &Place) -> Option<f64> {
    if let (Some(a), Some(b)) = (one.coordinates, other.coordinates) {
        let off = |c: Coordinates| f64::from(c.accuracy_km.unwrap_or(ACCURACY_KM));
        return Some((great_circle_km(a, b) - off(a) - off(b)).max(0.0));
    }
    if one.country.is_none() || other.country.is_none() || one.country == other.country {
        return None;
    }
    let (a, b) = (one.continent.as_deref()?, other.continent.as_deref()?);
    (!near(a, b)).then_some(CONTINENTS_KM)
}

/// Whether countries of these continents may lie side by side.
fn near(a: &str, b: &str) -> bool {
    const NEIGHBOURS: [(&str, &str); 8] = [
        ("AF", "AS"),
        ("AF", "EU"),
        ("AS", "EU"),
        ("AS", "NA"), // the Bering Strait
        ("AS", "OC"),
        ("EU", "NA"), // the same, as Russia is counted to Europe; Iceland and Greenland
        ("NA", "OC"), // Hawaii
        ("NA", "SA"),
    ];
    a == b || NEIGHBOURS.contains(&(a, b)) || NEIGHBOURS.contains(&(b, a))
}

/// The way along the surface of a sphere; half a percent off at most.
pub fn great_circle_km(a: Coordinates, b: Coordinates) -> f64 {
    let (lat_a, lat_b) = (a.latitude.to_radians(), b.latitude.to_radians());
    let lat = (lat_b - lat_a) / 2.0;
    let long = (b.longitude - a.longitude).to_radians() / 2.0;
    let h = lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * long.sin().powi(2);
    2.0 * EARTH_RADIUS_KM * h.clamp(0.0, 1.0).sqrt().asin()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn travel_is_the_same_both_ways_and_always_a_number(
            a in (-90.0..=90.0_f64, -180.0..=180.0_f64, prop::option::of(any::<u16>()), any::<i64>()),
            b in (-90.0..=90.0_f64, -180.0..=180.0_f64, prop::option::of(any::<u16>()), any::<i64>()),
        ) {
            let place = |(latitude, longitude, accuracy_km, _): (f64, f64, Option<u16>, i64)| Place {
                coordinates: Some(Coordinates { latitude, longitude, accuracy_km }),
                ..Place::default()
            };
            let (one, other) = (place(a), place(b));
            let one = Seen { time: Timestamp::from_micros(a.3), place: &one };
            let other = Seen { time: Timestamp::from_micros(b.3), place: &other };
            let there = travel(one, other, Limits::default());
            let back = travel(other, one, Limits::default());
            prop_assert!((there.distance_km - back.distance_km).abs() < 1e-6);
            prop_assert_eq!(there.verdict, back.verdict);
            prop_assert!(there.speed_kmh.is_finite() && (0.0..20_100.0).contains(&there.distance_km));
        }
    }

    fn at(latitude: f64, longitude: f64) -> Place {
        let coordinates = Some(Coordinates { latitude, longitude, accuracy_km: Some(20) });
        Place { coordinates, country: Some("XX".into()), ..Place::default() }
    }

    fn country(country: &str, continent: &str) -> Place {
        Place {
            country: Some(country.to_owned()),
            continent: Some(continent.to_owned()),
            ..Place::default()
        }
    }

    fn judged(one: &Place, other: &Place, minutes: i64) -> Travel {
        let start = Timestamp::from_seconds(1_700_000_000);
        let other = Seen { time: start.plus_seconds(minutes * 60), place: other };
        travel(Seen { time: start, place: one }, other, Limits::default())
    }

    #[test]
    fn nobody_is_in_berlin_and_in_sydney_within_two_hours() {
        let (berlin, sydney) = (at(52.52, 13.40), at(-33.87, 151.21));
        let travel = judged(&berlin, &sydney, 120);
        assert_eq!(travel.verdict, Verdict::Impossible);
        assert!((travel.distance_km - 16_050.0).abs() < 100.0, "{travel:?}");
        assert_eq!(judged(&berlin, &sydney, 24 * 60).verdict, Verdict::Possible);
        // Near places are never told, however quick.
        let leipzig = at(51.34, 12.37);
        assert_eq!(judged(&berlin, &leipzig, 0).verdict, Verdict::Possible);
        // A place that is known to 1,000 km is no proof.
        let mut somewhere = at(48.85, 2.35);
        somewhere.coordinates.as_mut().unwrap().accuracy_km = Some(1_000);
        assert_eq!(judged(&berlin, &somewhere, 1).verdict, Verdict::Possible);
        assert_eq!(judged(&berlin, &at(48.85, 2.35), 1).verdict, Verdict::Impossible);
        let poles = (at(90.0, 0.0).coordinates.unwrap(), at(-90.0, 0.0).coordinates.unwrap());
        assert!((great_circle_km(poles.0, poles.1) - 20_015.0).abs() < 1.0);
    }

    #[test]
    fn countries_alone_say_something_only_across_the_world() {
        let (germany, france) = (country("DE", "EU"), country("FR", "EU"));
        assert_eq!(judged(&germany, &germany, 1).verdict, Verdict::Unknown);
        assert_eq!(judged(&germany, &france, 1).verdict, Verdict::Unknown);
        assert_eq!(judged(&germany, &country("TR", "AS"), 1).verdict, Verdict::Unknown);
        assert_eq!(judged(&germany, &Place::default(), 1).verdict, Verdict::Unknown);
        let brazil = country("BR", "SA");
        assert_eq!(judged(&germany, &brazil, 60).verdict, Verdict::Impossible);
        assert_eq!(judged(&germany, &brazil, 150).verdict, Verdict::Possible);
        assert_eq!(judged(&at(52.5, 13.4), &brazil, 1).verdict, Verdict::Unknown);
    }
}
