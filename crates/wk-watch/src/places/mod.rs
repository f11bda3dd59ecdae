//! Where addresses are: country, coordinates and network, from MaxMind DB files that the user mounts.
//!
//! * Nothing is shipped and nothing is fetched: the licences of such databases are the user's matter.
//! * A damaged file is refused or answers less; it never ends the program.
//! * [`travel`] says whether one person can have been in two places.

mod database;
mod position;
pub mod travel;

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use xxhash_rust::xxh3::xxh3_64;

use database::Database;
pub use database::{About, PlacesError};

/// What is known of an address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// Two letters, ISO 3166-1: `DE`.
    pub country: Option<String>,
    /// Two letters: `EU`.
    pub continent: Option<String>,
    /// Where it is about.
    pub coordinates: Option<Coordinates>,
    /// Number of the network that announces it.
    pub asn: Option<u32>,
    /// Who runs that network.
    pub as_name: Option<String>,
}

/// A point and how exact it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coordinates {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
    /// How far off it may be; unknown where the database does not say.
    pub accuracy_km: Option<u16>,
}

/// Databases of places, asked one after the other.
#[derive(Default)]
pub struct Places {
    databases: Vec<Database>,
    /// What is supposed of some addresses, whatever the databases say: for tests of rules.
    supposed: BTreeMap<IpAddr, Arc<Place>>,
    /// Answers, by a hash of the address; a later one takes the place of an earlier one.
    answers: Mutex<Vec<Option<Answer>>>,
    failed: AtomicU64,
}

type Answer = (IpAddr, Arc<Place>);

/// Answers that are kept.
const ANSWERS: usize = 4_096;

impl Places {
    /// Databases that may be mounted, at most.
    pub const DATABASES_MAX: usize = 8;

    /// No databases: nothing is known of any address.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a database and says what it is. What several know, the first says.
    ///
    /// # Errors
    /// If it is damaged, too large, or one too many.
    pub fn add(&mut self, file: &str, bytes: Vec<u8>) -> Result<About, PlacesError> {
        if self.databases.len() >= Self::DATABASES_MAX {
            return Err(PlacesError::TooMany { file: file.to_owned(), max: Self::DATABASES_MAX });
        }
        let database = Database::open(file, bytes)?;
        let about = database.about();
        self.databases.push(database);
        self.answers = Mutex::default();
        Ok(about)
    }

    /// Supposes that an address is there, as tests of rules do.
    pub fn suppose(&mut self, address: IpAddr, place: Place) {
        self.supposed.insert(address.to_canonical(), Arc::new(place));
    }

    /// Whether nothing is known of any address.
    pub fn is_empty(&self) -> bool {
        self.databases.is_empty() && self.supposed.is_empty()
    }

    /// What the databases know of an address.
    pub fn of(&self, address: IpAddr) -> Arc<Place> {
        let address = address.to_canonical();
        if let Some(place) = self.supposed.get(&address) {
            return Arc::clone(place);
        }
        let slot = slot(address);
        // Whoever finds it taken asks the databases: waiting would cost more.
        if let Ok(answers) = self.answers.try_lock()
            && let Some(Some((known, place))) = answers.get(slot)
            && *known == address
        {
            return Arc::clone(place);
        }
        let mut place = Place::default();
        for database in &self.databases {
            if database.fill(address, &mut place).is_err() {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        let place = Arc::new(place);
        if let Ok(mut answers) = self.answers.try_lock() {
            answers.resize(ANSWERS, None);
            if let Some(kept) = answers.get_mut(slot) {
                *kept = Some((address, Arc::clone(&place)));
            }
        }
        place
    }

    /// How many questions a database could not answer because it is damaged there.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

fn slot(address: IpAddr) -> usize {
    let hash = match address {
        IpAddr::V4(v4) => xxh3_64(&v4.octets()),
        IpAddr::V6(v6) => xxh3_64(&v6.octets()),
    };
    usize::try_from(hash % ANSWERS as u64).unwrap_or(0)
}
