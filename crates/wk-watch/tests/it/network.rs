//! Scans, sweeps, guessed passwords and odd ports in flow records that are made of real captures, with
//! counts against what the captures hold.
//!
//! * Each connection of a capture becomes what VPC flow logs would say of it: one record for each
//!   direction, with the private address of the own host.
//! * What the capture holds is counted from its connections, by loops over all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use wk_lang::json::Value;
use wk_model::finding::Finding;
use wk_model::{Row, Signal, Timestamp};
use wk_watch::detect::Detections;
use wk_watch::reader::{ObjectFacts, Reader, Sink};
use wk_watch::sources::{Settings, Source};

use crate::files;
use crate::together::{at_once, signals_of_row};

/// A connection of a capture.
#[derive(Debug, Clone)]
struct Connection {
    second: i64,
    seconds: i64,
    from: String,
    from_port: u32,
    to: String,
    to_port: u32,
    protocol: u8,
    /// Packets and bytes there, and back.
    there: (u64, u64),
    back: (u64, u64),
}

/// How the addresses of own hosts stand in flow logs.
type Own = fn(&str) -> Option<String>;

/// The file of a capture, unpacked; `None`, with a printed line, where it is absent.
fn text(folder: &str, name: &str) -> Option<String> {
    let found = files(folder).into_iter().find(|path| path.ends_with(name))?;
    Some(unpacked(&found))
}

#[expect(clippy::disallowed_methods, reason = "the files are at hand and known to be small")]
fn unpacked(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|end| end != "gz") {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    text
}

fn number<T: std::str::FromStr + Default>(text: &str) -> T {
    text.parse().unwrap_or_default()
}

/// Seconds of a decimal number, rounded down.
fn whole(text: &str) -> i64 {
    number(text.split('.').next().unwrap_or_default())
}

fn protocol(name: &str) -> u8 {
    match name {
        "tcp" => 6,
        "udp" => 17,
        "icmp" => 1,
        _ => 0,
    }
}

/// Zeek's connections, as tab-separated text.
fn zeek_lines(text: &str) -> Vec<Connection> {
    let names: Vec<&str> = text
        .lines()
        .find_map(|line| line.strip_prefix("#fields\t"))
        .map(|names| names.split('\t').collect())
        .unwrap_or_default();
    let records = text.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &str| {
        let cells: BTreeMap<&str, &str> = names.iter().copied().zip(line.split('\t')).collect();
        connection(&|name| cells.get(name).map(|cell| (*cell).to_owned()).unwrap_or_default())
    };
    records.map(read).collect()
}

/// Zeek's connections, as JSON.
fn zeek_json(text: &str) -> Vec<Connection> {
    let read = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        connection(&|name| match record.get(name).or(record.get(name.replace('.', "_"))) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        })
    };
    text.lines().filter(|line| !line.is_empty()).map(read).collect()
}

fn connection(cell: &dyn Fn(&str) -> String) -> Connection {
    let packets = |side: &str| {
        let (packets, bytes) = (format!("{side}_pkts"), format!("{side}_ip_bytes"));
        (number(&cell(&packets)), number(&cell(&bytes)))
    };
    Connection {
        second: whole(&cell("ts")),
        seconds: whole(&cell("duration")),
        from: cell("id.orig_h"),
        from_port: number(&cell("id.orig_p")),
        to: cell("id.resp_h"),
        to_port: number(&cell("id.resp_p")),
        protocol: protocol(&cell("proto")),
        there: packets("orig"),
        back: packets("resp"),
    }
}

/// Argus's flows, as comma-separated text.
fn argus(text: &str) -> Vec<Connection> {
    let read = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let (packets, bytes): (u64, u64) = (number(cells[11]), number(cells[12]));
        let there: (u64, u64) = (number(cells[14]), number(cells[13]));
        let time = cells[0].replace('/', "-").replacen(' ', "T", 1);
        Connection {
            second: Timestamp::parse(&format!("{time}Z")).unwrap().seconds(),
            seconds: whole(cells[1]),
            from: cells[3].to_owned(),
            from_port: number(cells[4]),
            to: cells[6].to_owned(),
            to_port: number(cells[7]),
            protocol: protocol(cells[2]),
            there,
            back: (packets.saturating_sub(there.0), bytes.saturating_sub(there.1)),
        }
    };
    text.lines().skip(1).filter(|line| line.contains('.')).map(read).collect()
}

/// The flow log of connections: a record for each direction in which packets went.
fn flow_log(connections: &[Connection], own: Own) -> String {
    let mut log =
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets \
                   bytes start end action log-status flow-direction\n"
            .to_owned();
    for c in connections {
        let address = |address: &str| own(address).unwrap_or_else(|| address.to_owned());
        let (from, to) = (address(&c.from), address(&c.to));
        let (out, home) = match (own(&c.from), own(&c.to)) {
            (Some(_), _) => ("egress", "ingress"),
            (None, Some(_)) => ("ingress", "egress"),
            (None, None) => continue,
        };
        let mut record = |source: (&str, u32),
                          target: (&str, u32),
                          (packets, bytes): (u64, u64),
                          way| {
            if packets > 0 {
                let (start, end) = (c.second, c.second + c.seconds);
                let line = format!(
                    "5 111122223333 eni-0123456789abcdef0 {} {} {} {} {} {packets} {bytes} {start} {end} ACCEPT OK {way}\n",
                    source.0, target.0, source.1, target.1, c.protocol
                );
                log.push_str(&line);
            }
        };
        record((&from, c.from_port), (&to, c.to_port), c.there, out);
        record((&to, c.to_port), (&from, c.from_port), c.back, home);
    }
    log
}

struct Eyes<'a> {
    pack: &'a Detections,
    signals: Vec<Signal>,
    events: u64,
}

impl Sink for Eyes<'_> {
    fn event(&mut self, source: &'static Source, row: Row<'_>, record: Option<Value<'_>>, at: u64) {
        let mut matching = Vec::new();
        self.pack.run(source, &row, record, &mut matching, &mut |_| {});
        self.signals.extend(signals_of_row(self.pack, &row, record, &matching, at));
        self.events += 1;
    }
    fn refuse(&mut self, source: &str, at: u64, reason: &str, _: &[u8]) {
        panic!("{source} at {at}: {reason}");
    }
}

/// What the pack finds in the flow log of connections: findings by the name of their rule.
fn found(connections: &[Connection], own: Own) -> (u64, BTreeMap<String, Vec<Finding>>) {
    let log = flow_log(connections, own);
    let pack = Detections::built_in().unwrap();
    let facts = ObjectFacts { uri: "flows.log", modified: Timestamp::default(), metadata: &[] };
    let settings = Settings::default();
    let mut eyes = Eyes { pack: &pack, signals: Vec::new(), events: 0 };
    Reader::new(facts, &settings, None, 16 << 20).read(log.as_bytes(), true, &mut eyes);
    let mut by_rule: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    let signals = std::mem::take(&mut eyes.signals);
    for finding in at_once(&pack, signals) {
        let rule = pack.stateful().find(&finding.rule.id).unwrap();
        let name = rule.correlation.about.name.clone().unwrap_or_default();
        by_rule.entry(name).or_default().push(finding);
    }
    (eyes.events, by_rule)
}

/// What the findings of a rule are about: their values of its group-by, each once.
fn keys(by_rule: &BTreeMap<String, Vec<Finding>>, rule: &str) -> BTreeSet<String> {
    let of = by_rule.get(rule).map(Vec::as_slice).unwrap_or_default();
    let key = |f: &Finding| f.matched.iter().map(|m| m.value.clone()).collect::<Vec<_>>().join(" ");
    of.iter().map(key).collect()
}

/// The keys under which there are so many different values within so many seconds, by looking at
/// every window that ends with a connection.
fn held(
    connections: &[Connection],
    seconds: i64,
    least: usize,
    of: impl Fn(&Connection) -> Option<(String, String)>,
) -> BTreeSet<String> {
    let mut by_key: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for c in connections {
        if let Some((key, value)) = of(c) {
            by_key.entry(key).or_default().push((c.second, value));
        }
    }
    let holds = |events: &Vec<(i64, String)>| {
        events.iter().any(|(end, _)| {
            let inside = events.iter().filter(|(at, _)| (end - seconds..=*end).contains(at));
            inside.map(|(_, value)| value).collect::<BTreeSet<_>>().len() >= least
        })
    };
    by_key.into_iter().filter(|(_, events)| holds(events)).map(|(key, _)| key).collect()
}

/// What a capture holds against what was found of it, as a row of the page.
fn row(capture: &str, what: &str, holds: &BTreeSet<String>, found: &BTreeSet<String>) {
    println!("| {capture} | {what} | {} | {} |", holds.len(), found.len());
    let (missed, added): (Vec<_>, Vec<_>) =
        (holds.difference(found).collect(), found.difference(holds).collect());
    assert!(missed.is_empty() && added.is_empty(), "{what}: missed {missed:?}, added {added:?}");
}

fn private(address: &str) -> Option<String> {
    let own = address.starts_with("10.") || address.starts_with("192.168.");
    own.then(|| address.to_owned())
}

#[test]
fn a_scan_in_a_capture_is_one_finding_with_its_ports() {
    let Some(text) = text("network/slips", "port-scans__vertical__conn.log") else { return };
    let connections = zeek_json(&text);
    let (_, by_rule) = found(&connections, private);
    let small = |c: &Connection| c.there.0 <= 3 && matches!(c.protocol, 6 | 17);
    let scans = held(&connections, 300, 25, |c| {
        small(c).then(|| (format!("{} {}", c.from, c.to), c.to_port.to_string()))
    });
    row(
        "slips, vertical scan",
        "hosts whose ports an own host scans",
        &scans,
        &keys(&by_rule, "port-scan-by-own-host"),
    );
    assert_eq!(scans, BTreeSet::from(["192.168.1.9 45.33.32.156".to_owned()]));
    let ports: BTreeSet<u32> = connections
        .iter()
        .filter(|c| c.to == "45.33.32.156" && small(c))
        .map(|c| c.to_port)
        .collect();
    let finding = &by_rule["port-scan-by-own-host"][0];
    let tried = connections.iter().filter(|c| c.to == "45.33.32.156" && small(c)).count() as u64;
    println!("{} ports of the scan, {tried} connections, {} events", ports.len(), finding.count);
    assert_eq!((ports.len(), finding.count), (44, tried), "each try is an event of it");
}

#[test]
fn sweeps_in_a_capture_are_found_from_where_they_come() {
    let Some(text) = text("network/slips", "test3-mixed.binetflow") else { return };
    let connections = argus(&text);
    // Seen by the network of whoever sweeps.
    let sweeper: Own = |address| match address {
        "46.166.151.160" => Some("10.9.0.1".to_owned()),
        "216.73.23.146" => Some("10.9.0.2".to_owned()),
        _ => None,
    };
    let (_, by_rule) = found(&connections, sweeper);
    let sweeps = held(&connections, 3_600, 10, |c| {
        let way_in = [22, 23, 445, 3389].contains(&c.to_port) && c.protocol == 6;
        (way_in).then(|| Some((format!("{} {}", sweeper(&c.from)?, c.to_port), c.to.clone())))?
    });
    row(
        "slips, mixed",
        "own hosts that ask many for a way in",
        &sweeps,
        &keys(&by_rule, "entry-ports-of-many-hosts"),
    );
    assert_eq!(sweeps.len(), 2);
    let events = |port: &str| {
        let all = by_rule["entry-ports-of-many-hosts"].iter();
        all.filter(|f| f.matched[1].value == port).map(|f| f.count).sum::<u64>()
    };
    println!("hosts asked at 3389: {}, at 445: {}", events("3389"), events("445"));
    assert_eq!((events("3389"), events("445")), (28, 11), "28 and 11 hosts are asked");
}

#[test]
fn hours_of_a_host_on_the_internet_show_who_scans_it_and_who_guesses_passwords() {
    let mut connections = Vec::new();
    // The first hours of a day: the whole of it says the same and takes a minute.
    for path in files("network/rita-zeek") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if (0..5).any(|hour| name.starts_with(&format!("2024-04-19__conn.0{hour}"))) {
            connections.extend(zeek_lines(&unpacked(&path)));
        }
    }
    if connections.is_empty() {
        return;
    }
    const HOST: &str = "64.225.56.201";
    let own: Own = |address| (address == HOST).then(|| "10.0.0.5".to_owned());
    let (events, by_rule) = found(&connections, own);
    println!("{} connections, {events} flow records", connections.len());
    let inbound = |c: &Connection| c.to == HOST && c.from != HOST;
    let scans = held(&connections, 600, 10, |c| {
        let asked = matches!(c.protocol, 6 | 17) && c.to_port < 32_768 && c.there.0 > 0;
        (inbound(c) && asked).then(|| (format!("{} 10.0.0.5", c.from), c.to_port.to_string()))
    });
    row(
        "RITA, five hours of one host",
        "addresses that probe ten ports",
        &scans,
        &keys(&by_rule, "ten-ports-probed"),
    );
    let tries = held(&connections, 600, 20, |c| {
        let (packets, bytes) = c.there;
        let port = [22, 3389, 5985, 5986].contains(&c.to_port) && c.protocol == 6;
        let one = port && (5..=60).contains(&packets) && bytes < 20_000;
        let key = || (format!("{} 10.0.0.5 {}", c.from, c.to_port), c.from_port.to_string());
        (inbound(c) && one).then(key)
    });
    row(
        "RITA, five hours of one host",
        "addresses that guess passwords",
        &tries,
        &keys(&by_rule, "remote-brute-force-from-internet"),
    );
    assert!(!scans.is_empty() && !tries.is_empty(), "{} {}", scans.len(), tries.len());
}

#[test]
fn a_port_that_a_host_never_used_is_odd_after_two_weeks_of_known_ones() {
    let Some(text) = text("network/slips", "test2-malicious.binetflow") else { return };
    const DAY: i64 = 86_400;
    let day = argus(&text);
    let host = "10.8.0.69";
    let begin = day.iter().map(|c| c.second).min().unwrap();
    let outgoing = |c: &&Connection| {
        let port = matches!(c.protocol, 6 | 17) && c.to_port < 32_768 && c.from_port >= 1_024;
        c.from == host && private(&c.to).is_none() && port && c.there.0 >= 3
    };
    // The first hours of the capture, every day for fifteen days before it.
    let morning: Vec<&Connection> = day.iter().filter(|c| c.second < begin + 3_600).collect();
    let mut connections = Vec::new();
    for days in 1..=15 {
        let earlier =
            |c: &&Connection| Connection { second: c.second - days * DAY, ..(**c).clone() };
        connections.extend(morning.iter().map(earlier));
    }
    connections.extend(day.iter().cloned());
    let usual: BTreeSet<u32> =
        morning.iter().copied().filter(outgoing).map(|c| c.to_port).collect();
    let odd: BTreeSet<String> = day
        .iter()
        .filter(outgoing)
        .filter(|c| !usual.contains(&c.to_port))
        .map(|c| c.to_port.to_string())
        .collect();
    let (_, by_rule) = found(&connections, private);
    let of = by_rule.get("new-outgoing-port").map(Vec::as_slice).unwrap_or_default();
    let ports: BTreeSet<String> =
        of.iter().flat_map(|f| f.resources.iter().filter(|r| !r.contains('.')).cloned()).collect();
    println!("usual ports {usual:?}, odd ones {odd:?}");
    row("slips, malicious", "ports outside that the host never used", &odd, &ports);
    assert!(!odd.is_empty());
}
