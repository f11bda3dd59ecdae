//! One MaxMind DB file.
//!
//! * Format: <https://maxmind.github.io/MaxMind-DB/>. Databases in the form of GeoLite2 Country, City
//!   and ASN are read, and such as have the same facts without groups (`country_code`, `latitude`).

use core::net::IpAddr;

use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;
use wk_model::Timestamp;

use super::{Coordinates, Place};

/// A database that is in memory.
pub(super) struct Database {
    file: String,
    reader: Reader<Vec<u8>>,
}

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The file.
    pub file: String,
    /// Such as `GeoLite2-City`; letters that are not plain are left out.
    pub kind: String,
    /// When it was made.
    pub built_at: Timestamp,
    /// Whether it knows IPv6 addresses.
    pub ipv6: bool,
}

/// A database of places that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// It is no MaxMind DB, or damaged.
    #[error("could not read {file} as a MaxMind DB; fetch it anew")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: MaxMindDbError,
    },
    /// It is larger than is loaded.
    #[error("{file} is larger than {max} bytes")]
    Large {
        /// The file.
        file: String,
        /// The limit.
        max: usize,
    },
    /// There are too many.
    #[error("{file} is one database too many; there may be {max}")]
    TooMany {
        /// The file.
        file: String,
        /// The limit.
        max: usize,
    },
}

/// Bytes of a database, at most.
const BYTES_MAX: usize = 1 << 30;
/// Characters of a network's name, at most.
const NAME_CHARS_MAX: usize = 200;

/// The facts that are asked of an entry; all others are passed over.
#[derive(Deserialize)]
struct Facts<'a> {
    #[serde(borrow, default)]
    country: Option<Country<'a>>,
    #[serde(borrow, default)]
    continent: Option<Continent<'a>>,
    #[serde(default)]
    location: Option<Location>,
    #[serde(default)]
    country_code: Option<&'a str>,
    #[serde(default)]
    latitude: Option<f64>,
    #[serde(default)]
    longitude: Option<f64>,
    #[serde(default)]
    autonomous_system_number: Option<u32>,
    #[serde(default)]
    autonomous_system_organization: Option<&'a str>,
}

#[derive(Deserialize)]
struct Country<'a> {
    #[serde(default)]
    iso_code: Option<&'a str>,
}

#[derive(Deserialize)]
struct Continent<'a> {
    #[serde(default)]
    code: Option<&'a str>,
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    latitude: Option<f64>,
    #[serde(default)]
    longitude: Option<f64>,
    #[serde(default)]
    accuracy_radius: Option<u16>,
}

impl Database {
    pub(super) fn open(file: &str, bytes: Vec<u8>) -> Result<Self, PlacesError> {
        let file = file.to_owned();
        if bytes.len() > BYTES_MAX {
            return Err(PlacesError::Large { file, max: BYTES_MAX });
        }
        match Reader::from_source(bytes) {
            Ok(reader) => Ok(Self { file, reader }),
            Err(source) => Err(PlacesError::Damaged { file, source }),
        }
    }

    pub(super) fn about(&self) -> About {
        let metadata = self.reader.metadata();
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ' | '.');
        let seconds = i64::try_from(metadata.build_epoch).unwrap_or(i64::MAX);
        About {
            file: self.file.clone(),
            kind: metadata.database_type.chars().filter(plain).take(64).collect(),
            built_at: Timestamp::from_seconds(seconds),
            ipv6: metadata.ip_version == 6,
        }
    }

    /// Puts what it knows of an address into what is not known yet.
    pub(super) fn fill(&self, address: IpAddr, place: &mut Place) -> Result<(), MaxMindDbError> {
        if address.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return Ok(());
        }
        let Some(facts) = self.reader.lookup(address)?.decode::<Facts<'_>>()? else {
            return Ok(());
        };
        let country = facts.country.and_then(|c| c.iso_code).or(facts.country_code);
        let location = facts.location.as_ref();
        let coordinates = coordinates(
            location.and_then(|l| l.latitude).or(facts.latitude),
            location.and_then(|l| l.longitude).or(facts.longitude),
            location.and_then(|l| l.accuracy_radius),
        );
        let name = facts.autonomous_system_organization;
        place.country = place.country.take().or_else(|| code(country));
        place.continent =
            place.continent.take().or_else(|| code(facts.continent.and_then(|c| c.code)));
        place.coordinates = place.coordinates.or(coordinates);
        place.asn = place.asn.or(facts.autonomous_system_number);
        place.as_name = place
            .as_name
            .take()
            .or_else(|| name.map(|name| name.chars().take(NAME_CHARS_MAX).collect()));
        Ok(())
    }
}

/// Two letters, in upper case.
fn code(text: Option<&str>) -> Option<String> {
    text.filter(|text| text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()))
        .map(str::to_ascii_uppercase)
}

fn coordinates(
    latitude: Option<f64>,
    longitude: Option<f64>,
    accuracy_km: Option<u16>,
) -> Option<Coordinates> {
    let latitude = latitude.filter(|degrees| (-90.0..=90.0).contains(degrees))?;
    let longitude = longitude.filter(|degrees| (-180.0..=180.0).contains(degrees))?;
    Some(Coordinates { latitude, longitude, accuracy_km })
}
