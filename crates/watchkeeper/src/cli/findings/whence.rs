//! Where the events of a finding came from: address, place, network, client software.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::IpAddr;

use serde_json::{Value, json};
use wk_model::Finding;
use wk_model::complaint::printable;
use wk_watch::places::{Place, Places};

use crate::cli::table;
use crate::wire::App;
use crate::wire::inventory::{quoted, rows};

/// Addresses that are listed.
const ADDRESSES_MAX: usize = 20;
/// Clients that are listed of one address.
const CLIENTS_MAX: usize = 5;

/// One address, and what is known of it.
#[derive(Debug)]
pub(super) struct Whence {
    address: String,
    /// Events of the finding that came from there.
    events: u64,
    /// Client software, by how many events it made.
    clients: Vec<(String, u64)>,
    /// Where that is, as far as the databases of places know.
    country: Option<String>,
    network: Option<String>,
    /// The lists that it is on.
    lists: Vec<String>,
}

/// Where the events of a finding came from: those that it names, out of the lake.
pub(super) async fn of(app: &App, finding: &Finding) -> anyhow::Result<Vec<Whence>> {
    let mut clients: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let tables: BTreeSet<&str> = finding.events.iter().map(|event| event.table.as_str()).collect();
    for name in tables {
        // The name goes into the question: only one that the lake knows.
        let Some(table) = crate::wire::tables().into_iter().find(|table| table.name == name) else {
            continue;
        };
        for (address, client, count) in ask(app, table.name, finding).await? {
            *clients.entry(address).or_default().entry(client).or_default() += count;
        }
    }
    let (places, _) = app.places();
    let (_, surroundings, _) = app.surroundings();
    let whence = clients.into_iter().take(ADDRESSES_MAX).map(|(address, by_client)| {
        let ip: Option<IpAddr> = address.parse().ok();
        let lists = ip.map(|ip| surroundings.lists_of_address(ip)).unwrap_or_default();
        let lists = lists.into_iter().map(str::to_owned).collect();
        Whence { lists, ..Whence::new(address, ip, by_client, &places) }
    });
    Ok(whence.collect())
}

async fn ask(
    app: &App,
    table: &str,
    finding: &Finding,
) -> anyhow::Result<Vec<(String, String, u64)>> {
    let of_table = finding.events.iter().filter(|event| event.table == table);
    let ids: Vec<String> = of_table.map(|event| quoted(&event.id)).collect();
    let sql = format!(
        "SELECT source_ip, coalesce(user_agent, ''), cast(count(*) AS varchar) FROM \"{table}\" \
         WHERE event_id IN ({}) AND event_time >= {} AND event_time <= {} AND source_ip IS NOT NULL \
         GROUP BY 1, 2",
        ids.join(", "),
        quoted(&finding.first_seen.plus_seconds(-86_400).to_string()),
        quoted(&finding.last_seen.plus_seconds(86_400).to_string()),
    );
    let read = |row: Vec<String>| {
        let [address, client, count] = <[String; 3]>::try_from(row).ok()?;
        Some((address, client, count.parse().ok()?))
    };
    Ok(rows(app, &sql).await?.into_iter().filter_map(read).collect())
}

impl Whence {
    fn new(
        address: String,
        ip: Option<IpAddr>,
        by_client: BTreeMap<String, u64>,
        places: &Places,
    ) -> Self {
        let place = ip.map(|ip| places.of(ip));
        let place: Option<&Place> = place.as_deref();
        let network = place.and_then(|place| match (place.asn, &place.as_name) {
            (Some(number), Some(name)) => Some(format!("AS{number} {name}")),
            (Some(number), None) => Some(format!("AS{number}")),
            (None, name) => name.clone(),
        });
        let events = by_client.values().sum();
        let mut clients: Vec<(String, u64)> =
            by_client.into_iter().filter(|(client, _)| !client.is_empty()).collect();
        clients.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let country = place.and_then(|place| place.country.clone());
        Self { address, events, clients, country, network, lists: Vec::new() }
    }

    /// For machines.
    pub(super) fn to_json(&self) -> Value {
        let clients = self.clients.iter().map(|(name, n)| json!({"client": name, "events": n}));
        json!({
            "address": self.address,
            "events": self.events,
            "clients": clients.collect::<Vec<_>>(),
            "country": self.country,
            "network": self.network,
            "lists": self.lists,
        })
    }
}

/// For people.
pub(super) fn print(all: &[Whence], out: &mut dyn Write) -> anyhow::Result<()> {
    for one in all {
        let known = [&one.country, &one.network].into_iter().flatten().cloned();
        let lists = one.lists.iter().map(|list| format!("on {list}"));
        let mut where_it_is: Vec<String> = known.chain(lists).collect();
        if where_it_is.is_empty() {
            where_it_is.push("place not known".to_owned());
        }
        let mut clients: Vec<String> = one
            .clients
            .iter()
            .take(CLIENTS_MAX)
            .map(|(client, n)| format!("{client} ({n})"))
            .collect();
        match one.clients.len().saturating_sub(CLIENTS_MAX) {
            0 if clients.is_empty() => clients.push("no client named".to_owned()),
            0 => {}
            more => clients.push(format!("and {more} more")),
        }
        let line = format!(
            "from         {}: {}; {}; {} events",
            one.address,
            where_it_is.join(", "),
            table::cut(&clients.join(", "), 160),
            one.events
        );
        writeln!(out, "{}", printable(line.as_bytes()))?;
    }
    Ok(())
}
