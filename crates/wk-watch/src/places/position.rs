//! A place as a text, and back: what rules over several events keep of where an event came from.
//!
//! `DE EU 52.52 13.4 20`: country, continent, degrees north and east, kilometres it may be off. What
//! is not known is a dash; what is known behind it still stands.

use super::{Coordinates, Place};

impl Place {
    /// Where it is, as a text; `None` where neither country nor coordinates are known.
    pub fn position(&self) -> Option<String> {
        if self.country.is_none() && self.coordinates.is_none() {
            return None;
        }
        let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
        let (country, continent) = (word(&self.country), word(&self.continent));
        Some(match self.coordinates {
            None => format!("{country} {continent}"),
            Some(Coordinates { latitude, longitude, accuracy_km }) => {
                let off = accuracy_km.map_or_else(|| "-".to_owned(), |off| off.to_string());
                format!("{country} {continent} {latitude} {longitude} {off}")
            }
        })
    }

    /// The place that a text stands for; `None` where it is no position.
    pub fn at(position: &str) -> Option<Self> {
        let mut words = position.split_ascii_whitespace();
        let code = |word: Option<&str>| match word? {
            "-" => Some(None),
            code if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()) => {
                Some(Some(code.to_owned()))
            }
            _ => None,
        };
        let (country, continent) = (code(words.next())?, code(words.next())?);
        let mut place = Self { country, continent, ..Self::default() };
        if let Some(latitude) = words.next() {
            let within = |word: &str, most: f64| {
                word.parse().ok().filter(|degrees: &f64| degrees.abs() <= most)
            };
            let (latitude, longitude) = (within(latitude, 90.0)?, within(words.next()?, 180.0)?);
            let accuracy_km = match words.next()? {
                "-" => None,
                off => Some(off.parse().ok()?),
            };
            place.coordinates = Some(Coordinates { latitude, longitude, accuracy_km });
        }
        (words.next().is_none() && place.position().is_some()).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            country in prop::option::of("[A-Z]{2}"), continent in prop::option::of("[A-Z]{2}"),
            at in prop::option::of((-90.0..=90.0_f64, -180.0..=180.0_f64, prop::option::of(any::<u16>()))),
        ) {
            let coordinates = at.map(|(latitude, longitude, accuracy_km)| {
                Coordinates { latitude, longitude, accuracy_km }
            });
            let place = Place { country, continent, coordinates, ..Place::default() };
            match place.position() {
                Some(text) => prop_assert_eq!(Place::at(&text), Some(place)),
                None => prop_assert!(place.country.is_none() && place.coordinates.is_none()),
            }
        }

        #[test]
        fn no_text_makes_reading_panic(text in "[A-Z0-9 .-]{0,30}") {
            Place::at(&text);
        }
    }

    #[test]
    fn what_is_no_position_is_none() {
        for text in [
            "",
            "DE",
            "D EU",
            "de EU",
            "- EU",
            "DE EU 91 0 1",
            "DE EU 1 2",
            "DE EU NaN 1 1",
            "DE EU 1 2 3 4",
            "DE EU 1 181 -",
        ] {
            assert_eq!(Place::at(text), None, "{text}");
        }
        assert_eq!(Place::at("DE EU").unwrap().country.as_deref(), Some("DE"));
    }
}
