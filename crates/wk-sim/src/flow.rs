//! VPC flow logs: the shop's VPC in the custom format of 25 fields, the tools' VPC in the default
//! format of version 2; ten-minute files with a header line.

use std::fmt::Write as _;

use wk_model::Timestamp;

use crate::clock::{folder, stamp_minute};
use crate::delivery::Filed;
use crate::rng::Rng;
use crate::world::{self, HOSTS, Host, Place, SECURITY, SHOP, SHOP_VPC, TOOLS_VPC};

/// Seconds that one file covers.
pub(crate) const WINDOW_SECONDS: i64 = 600;

/// One direction of one conversation, as a network interface saw it.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub host: &'static Host,
    pub from: (String, u64),
    pub to: (String, u64),
    pub protocol: u64,
    pub packets: u64,
    pub bytes: u64,
    pub start: Timestamp,
    pub end: Timestamp,
    pub accept: bool,
    pub flags: u64,
}

/// A VPC with a flow log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    pub vpc: &'static str,
    pub place: Place,
    /// Whether its log has the custom format.
    pub custom: bool,
}

/// The two networks.
pub(crate) const NETWORKS: [Network; 2] = [
    Network { vpc: SHOP_VPC, place: SHOP, custom: true },
    Network {
        vpc: TOOLS_VPC,
        place: Place { account: SECURITY, region: world::HOME },
        custom: false,
    },
];

/// The flow log's id.
pub(crate) fn log_id(network: &Network) -> String {
    format!("fl-{}", world::hex_id(network.vpc, 17))
}

const DEFAULT_HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
const CUSTOM_HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id";

/// Conversations that hosts have with each other and the world.
struct Habit {
    /// Hosts whose name begins so.
    host: &'static str,
    /// The other side: a host's name, `customers`, `internet`, `time` or `endpoint`.
    with: &'static str,
    /// Whether the host is the one that answers.
    serves: bool,
    port: u64,
    protocol: u64,
    /// How many in ten minutes.
    count: u64,
    bytes: (u64, u64),
}

const HABITS: [Habit; 15] = [
    habit("web", "customers", true, 443, 6, 4, (1_800, 64_000)),
    habit("web", "orders-1", false, 8080, 6, 2, (900, 22_000)),
    habit("web", "orders-2", false, 8080, 6, 2, (900, 22_000)),
    habit("orders-1", "web-1", true, 8080, 6, 2, (900, 22_000)),
    habit("orders", "orders-db", false, 5432, 6, 3, (700, 90_000)),
    habit("orders-db", "orders-1", true, 5432, 6, 3, (700, 90_000)),
    habit("orders", "endpoint", false, 443, 6, 2, (3_000, 12_000)),
    habit("nat", "internet", false, 443, 6, 3, (1_500, 48_000)),
    habit("", "time", false, 123, 17, 1, (76, 76)),
    habit("", "endpoint", false, 443, 6, 1, (2_800, 9_000)),
    habit("log-forwarder", "resolver", false, 53, 17, 3, (80, 420)),
    habit("resolver", "log-forwarder", true, 53, 17, 3, (80, 420)),
    habit("log-forwarder", "internet", false, 443, 6, 3, (6_000, 180_000)),
    habit("runner", "resolver", false, 53, 17, 2, (80, 420)),
    habit("runner", "internet", false, 443, 6, 3, (4_000, 900_000)),
];

const fn habit(
    host: &'static str,
    with: &'static str,
    serves: bool,
    port: u64,
    protocol: u64,
    count: u64,
    bytes: (u64, u64),
) -> Habit {
    Habit { host, with, serves, port, protocol, count, bytes }
}

/// The file of one network for the ten minutes before `end`; story flows come along.
pub(crate) fn file(
    seed: u64,
    network: &Network,
    end: Timestamp,
    scale: u64,
    stories: Vec<Flow>,
) -> Filed {
    let start = end.plus_seconds(-WINDOW_SECONDS);
    let mut rng = Rng::named(seed, &["flow", network.vpc], start.seconds());
    let mut flows = stories;
    for host in HOSTS.iter().filter(|h| h.place == network.place && h.name != "spare") {
        for habit in HABITS.iter().filter(|h| host.name.starts_with(h.host)) {
            for _ in 0..rng.around(habit.count * scale * 1000) {
                talk(&mut rng, host, habit, start, &mut flows);
            }
        }
        if !host.public.is_empty() {
            for _ in 0..rng.around(4 * scale * 1000) {
                flows.push(knock(&mut rng, host, start));
            }
        }
    }
    flows.sort_by(|a, b| a.host.interface.cmp(b.host.interface).then(a.start.cmp(&b.start)));
    let (text, records) = render(&mut rng, network, start, end, &flows);
    let Place { account, region } = network.place;
    let path = format!(
        "AWSLogs/{account}/vpcflowlogs/{region}/{}/{account}_vpcflowlogs_{region}_{}_{}_{}.log.gz",
        folder(start),
        log_id(network),
        stamp_minute(start),
        rng.hex(8)
    );
    let delivered = end.plus_seconds(rng.seconds(60, 420));
    Filed::new("vpcflow", path, text.into_bytes(), delivered, records, network.place)
}

/// Both directions of one conversation.
fn talk(
    rng: &mut Rng,
    host: &'static Host,
    habit: &Habit,
    start: Timestamp,
    flows: &mut Vec<Flow>,
) {
    let other = match habit.with {
        "customers" => world::customer(rng),
        "internet" => format!("198.18.{}.{}", rng.range(200, 203), rng.range(1, 40)),
        "time" => "192.0.2.123".to_owned(),
        "endpoint" => format!(
            "{}.{}",
            if host.place == SHOP { "10.20.31" } else { "10.50.31" },
            rng.range(10, 14)
        ),
        name => HOSTS.iter().find(|h| h.name == name).map_or("10.20.1.1", |h| h.private).to_owned(),
    };
    let near =
        if habit.protocol == 17 && habit.port == 123 { 123 } else { rng.range(32_768, 60_999) };
    let (ours, theirs) = if habit.serves { (habit.port, near) } else { (near, habit.port) };
    let (begin, length) = (rng.seconds(0, 520), rng.seconds(1, 70));
    let (start, end) = (start.plus_seconds(begin), start.plus_seconds(begin + length));
    let (asked, answered) =
        (rng.range(habit.bytes.0 / 3, habit.bytes.0), rng.range(habit.bytes.0, habit.bytes.1));
    let (inward, outward) = if habit.serves { (asked, answered) } else { (answered, asked) };
    let tcp = habit.protocol == 6;
    let flow = |from: (&str, u64), to: (&str, u64), bytes: u64, flags: u64| Flow {
        host,
        from: (from.0.to_owned(), from.1),
        to: (to.0.to_owned(), to.1),
        protocol: habit.protocol,
        packets: bytes / 900 + 1 + 4 * u64::from(tcp),
        bytes,
        start,
        end,
        accept: true,
        flags: if tcp { flags } else { 0 },
    };
    let (first, second) = if habit.serves { (3, 19) } else { (19, 3) };
    flows.push(flow((&other, theirs), (host.private, ours), inward, first));
    flows.push(flow((host.private, ours), (&other, theirs), outward, second));
}

/// Somebody on the Internet tries a port and is turned away.
fn knock(rng: &mut Rng, host: &'static Host, start: Timestamp) -> Flow {
    const PORTS: [u64; 14] =
        [22, 23, 25, 80, 445, 1433, 3306, 3389, 5900, 6379, 8080, 8443, 9200, 27017];
    let udp = rng.chance(80);
    let port = if udp { 5060 } else { *rng.pick(&PORTS) };
    let begin = start.plus_seconds(rng.seconds(0, 540));
    let packets = rng.range(1, 3);
    Flow {
        host,
        from: (world::scanner(rng), rng.range(1_024, 65_535)),
        to: (host.private.to_owned(), port),
        protocol: if udp { 17 } else { 6 },
        packets,
        bytes: packets * if udp { 442 } else { 40 },
        start: begin,
        end: begin.plus_seconds(rng.seconds(0, 50)),
        accept: false,
        flags: if udp { 0 } else { 2 },
    }
}

/// The text of a file, and how many records it holds.
fn render(
    rng: &mut Rng,
    network: &Network,
    start: Timestamp,
    end: Timestamp,
    flows: &[Flow],
) -> (String, u64) {
    let mut text = String::with_capacity(flows.len() * 220 + 400);
    text.push_str(if network.custom { CUSTOM_HEADER } else { DEFAULT_HEADER });
    text.push('\n');
    flows.iter().for_each(|flow| line(&mut text, network, flow));
    let mut quiet = Vec::new();
    if network.custom {
        quiet.push(("eni-09a8c6e4b2d1f7530", "NODATA"));
    }
    if rng.chance(8) {
        quiet.push(("eni-0c1f7e5a9d3b62840", "SKIPDATA"));
    }
    for (interface, status) in &quiet {
        silent_line(&mut text, network, interface, status, start, end);
    }
    (text, (flows.len() + quiet.len()) as u64)
}

fn line(text: &mut String, network: &Network, flow: &Flow) {
    let action = if flow.accept { "ACCEPT" } else { "REJECT" };
    let written = write!(
        text,
        "{} {} {} {} {} {} {} {} {} {} {} {} {action} OK",
        if network.custom { 4 } else { 2 },
        network.place.account,
        flow.host.interface,
        flow.from.0,
        flow.to.0,
        flow.from.1,
        flow.to.1,
        flow.protocol,
        flow.packets,
        flow.bytes,
        flow.start.seconds(),
        flow.end.seconds(),
    );
    written.expect("a String takes every line");
    if network.custom {
        let instance = if flow.host.instance.is_empty() { "-" } else { flow.host.instance };
        let written = write!(
            text,
            " {} {} {instance} {} IPv4 {} {} {} {} - -",
            network.vpc,
            flow.host.subnet,
            flow.flags,
            flow.from.0,
            flow.to.0,
            network.place.region,
            flow.host.zone,
        );
        written.expect("a String takes every line");
    }
    text.push('\n');
}

/// An interface that saw nothing, or of which the log lost something.
fn silent_line(
    text: &mut String,
    network: &Network,
    interface: &str,
    status: &str,
    start: Timestamp,
    end: Timestamp,
) {
    let written = write!(
        text,
        "{} {} {interface} - - - - - - - {} {} - {status}",
        if network.custom { 4 } else { 2 },
        network.place.account,
        start.seconds(),
        end.seconds() - 1,
    );
    written.expect("a String takes every line");
    text.push_str(if network.custom { " - - - - - - - - - - -\n" } else { "\n" });
}
