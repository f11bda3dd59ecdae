//! VPC flow logs: which address spoke to which, and whether it was let through.
//!
//! * Fields: <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>; of transit
//!   gateways: <https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html>.
//! * Text of versions 2 to 10, in any order that a header line or the user's format names
//!   (`${version} ${account-id} …` or bare names). Without either, a line is read whose fields
//!   stand in AWS's own order (the default 14, then those of version 3 and on, as far as the line
//!   goes) and whose every field looks like what stands there.
//! * Objects of JSON, as Parquet flow logs become at the edge.
//! * Columns are named as in AWS's Parquet files: the field's name with `_` for `-`.
//! * `-` is absent. Fields that have no column, AWS's future ones among them, are kept in `other`.
//! * A line that is clearly of a flow log but in an unknown order is kept, with what can be told
//!   without the order, and flagged.

use core::net::IpAddr;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use wk_lang::json::{Kind, Value};
use wk_model::event::{Cell, Outcome};
use wk_model::table::{ColumnType, column};
use wk_model::{AccountId, Row, Table};

use super::{Context, JsonForm, Line, LineForm, LineReader, Refusal, Settings, Source};
use crate::record::fields;

/// VPC flow logs.
pub const SOURCE: Source = Source {
    id: "vpcflow",
    title: "VPC flow logs",
    page: "https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html",
    serves: &["R-020", "R-177", "R-350", "R-364", "R-365", "R-366", "R-382"],
    table: &TABLE,
    product: "aws",
    service: Some("vpcflow"),
    json: Some(JsonForm { claims: claims_json, read: read_json }),
    lines: Some(LineForm { claims, begin }),
};

/// The table of VPC flow logs.
pub static TABLE: Table = Table {
    name: "vpc_flow",
    doc: "Flows of VPC, subnet, interface and transit gateway flow logs, one row for each window.",
    columns: &[
        column("version", ColumnType::Int, "lowest version of the format that has all its fields"),
        column("interface_id", ColumnType::Text, "network interface that recorded the flow"),
        column(
            "dstaddr",
            ColumnType::Text,
            "destination; for outgoing flows of an interface that of the peer",
        ),
        column("srcport", ColumnType::Int, "source port"),
        column("dstport", ColumnType::Int, "destination port"),
        column("protocol", ColumnType::Int, "IANA number of the protocol: 6 is TCP, 17 UDP"),
        column("packets", ColumnType::Int, "packets in the window"),
        column("bytes", ColumnType::Int, "bytes in the window"),
        column("start", ColumnType::Time, "when the first packet of the window came"),
        column("end", ColumnType::Time, "when the last packet of the window came"),
        column(
            "log_status",
            ColumnType::Text,
            "OK, NODATA (no traffic) or SKIPDATA (records were skipped)",
        ),
        column("vpc_id", ColumnType::Text, "VPC of the interface"),
        column("subnet_id", ColumnType::Text, "subnet of the interface"),
        column(
            "instance_id",
            ColumnType::Text,
            "instance of the interface, if it is the user's own",
        ),
        column(
            "tcp_flags",
            ColumnType::Int,
            "TCP flags seen, added up: 2 SYN, 18 SYN-ACK, 1 FIN, 4 RST",
        ),
        column("type", ColumnType::Text, "IPv4, IPv6 or EFA"),
        column(
            "pkt_srcaddr",
            ColumnType::Text,
            "source of the packet itself, behind NAT or a proxy",
        ),
        column("pkt_dstaddr", ColumnType::Text, "destination of the packet itself"),
        column("az_id", ColumnType::Text, "availability zone of the interface"),
        column("sublocation_type", ColumnType::Text, "wavelength, outpost or localzone"),
        column("sublocation_id", ColumnType::Text, "id of the sublocation"),
        column(
            "pkt_src_aws_service",
            ColumnType::Text,
            "AWS service that the packet's source belongs to",
        ),
        column(
            "pkt_dst_aws_service",
            ColumnType::Text,
            "AWS service that the packet's destination belongs to",
        ),
        column("flow_direction", ColumnType::Text, "ingress or egress, seen from the interface"),
        column(
            "traffic_path",
            ColumnType::Int,
            "path that outgoing traffic takes: 8 is the internet gateway",
        ),
        column("ecs_cluster_arn", ColumnType::Text, "ARN of the ECS cluster"),
        column("ecs_cluster_name", ColumnType::Text, "name of the ECS cluster"),
        column("ecs_container_instance_arn", ColumnType::Text, "ARN of the ECS container instance"),
        column("ecs_container_instance_id", ColumnType::Text, "id of the ECS container instance"),
        column(
            "ecs_container_id",
            ColumnType::Text,
            "runtime id of the first container of the task",
        ),
        column("ecs_second_container_id", ColumnType::Text, "runtime id of its second container"),
        column("ecs_service_name", ColumnType::Text, "name of the ECS service"),
        column("ecs_task_definition_arn", ColumnType::Text, "ARN of the ECS task definition"),
        column("ecs_task_arn", ColumnType::Text, "ARN of the ECS task"),
        column("ecs_task_id", ColumnType::Text, "id of the ECS task"),
        column(
            "reject_reason",
            ColumnType::Text,
            "why the traffic was rejected: BPA is public access blocked",
        ),
        column(
            "resource_id",
            ColumnType::Text,
            "NAT gateway or other resource that recorded the flow",
        ),
        column(
            "encryption_status",
            ColumnType::Text,
            "whether the traffic was encrypted, and by what",
        ),
        column(
            "other",
            ColumnType::Json,
            "fields without a column: transit gateways', and what AWS adds",
        ),
    ],
    sort: &["dstaddr", "source_ip", "event_time"],
    aliases: &[("account_id", "account"), ("srcaddr", "source_ip")],
};

// Places of the columns that are read again; a test compares them with the table.
const INTERFACE_ID: usize = 1;
const START: usize = 8;
const END: usize = 9;
const LOG_STATUS: usize = 10;
const VPC_ID: usize = 11;
const SUBNET_ID: usize = 12;
const INSTANCE_ID: usize = 13;
const RESOURCE_ID: usize = 36;
const OTHER: usize = 38;

/// AWS's own order: the default format, then what each later version added.
const NATURAL: &[&str] = &[
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status", // 2
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr", // 3
    "region",
    "az-id",
    "sublocation-type",
    "sublocation-id", // 4
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "flow-direction",
    "traffic-path", // 5
    "ecs-cluster-arn",
    "ecs-cluster-name",
    "ecs-container-instance-arn",
    "ecs-container-instance-id",
    "ecs-container-id",
    "ecs-second-container-id",
    "ecs-service-name",
    "ecs-task-definition-arn",
    "ecs-task-arn",
    "ecs-task-id", // 7
    "reject-reason",
    "resource-id",
    "encryption-status", // 8, 9, 10
];
/// The fields of the default format.
const DEFAULT_FIELDS: usize = 14;

/// Fields of transit gateway flow logs (version 6); they are kept in `other`.
const TRANSIT_GATEWAY: &[&str] = &[
    "resource-type",
    "tgw-id",
    "tgw-attachment-id",
    "tgw-src-vpc-account-id",
    "tgw-dst-vpc-account-id",
    "tgw-src-vpc-id",
    "tgw-dst-vpc-id",
    "tgw-src-subnet-id",
    "tgw-dst-subnet-id",
    "tgw-src-eni",
    "tgw-dst-eni",
    "tgw-src-az-id",
    "tgw-dst-az-id",
    "tgw-pair-attachment-id",
    "packets-lost-no-route",
    "packets-lost-blackhole",
    "packets-lost-mtu-exceeded",
    "packets-lost-ttl-expired",
];

static NATURAL_SLOTS: LazyLock<Vec<Slot>> =
    LazyLock::new(|| NATURAL.iter().map(|name| Slot::of(name)).collect());

/// Where a field of a line goes.
#[derive(Debug, Clone, PartialEq)]
enum Slot {
    Account,
    Region,
    Source,
    Action,
    Text(usize),
    Int(usize),
    Time(usize),
    /// A field without a column, with its name.
    Other(String),
}

/// The order of a log's fields.
#[derive(Debug, Clone, PartialEq)]
struct Format {
    slots: Vec<Slot>,
    /// Flow logs that went through Parquet to CSV have commas.
    comma: bool,
}

impl Slot {
    fn of(name: &str) -> Self {
        let is = |known: &str| same_name(name, known);
        if is("account-id") {
            return Self::Account;
        } else if is("region") {
            return Self::Region;
        } else if is("srcaddr") {
            return Self::Source;
        } else if is("action") {
            return Self::Action;
        }
        match TABLE.columns.iter().position(|c| is(c.name)).filter(|at| *at != OTHER) {
            None => Self::Other(name.to_owned()),
            Some(at) => match TABLE.columns[at].kind {
                ColumnType::Int => Self::Int(at),
                ColumnType::Time => Self::Time(at),
                _ => Self::Text(at),
            },
        }
    }
}

/// Whether the names are the same, `-` and `_` being the same.
fn same_name(a: &str, b: &str) -> bool {
    let plain = |c: u8| if c == b'-' { b'_' } else { c };
    a.len() == b.len() && a.bytes().zip(b.bytes()).all(|(a, b)| plain(a) == plain(b))
}

impl Format {
    /// The format that a user wrote, or a header's names.
    fn of_names(text: &str) -> Option<Self> {
        let comma = text.contains(',');
        let slots: Vec<Slot> = text
            .split(|c: char| c.is_ascii_whitespace() || c == ',')
            .map(|name| name.trim_start_matches("${").trim_end_matches('}'))
            .filter(|name| !name.is_empty())
            .map(Slot::of)
            .collect();
        (!slots.is_empty()).then_some(Self { slots, comma })
    }

    /// The format that a line names, if it is a header.
    fn of_header(line: &str) -> Option<Self> {
        if !line.starts_with(|c: char| c.is_ascii_lowercase()) {
            return None;
        }
        let (mut names, mut known) = (0, 0);
        for name in line.split([' ', ',']).map(str::trim).filter(|name| !name.is_empty()) {
            let plain = name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
            if !plain {
                return None;
            }
            names += 1;
            let mut all = NATURAL.iter().chain(TRANSIT_GATEWAY);
            known += usize::from(all.any(|field| same_name(name, field)));
        }
        if known >= 3 && known * 2 >= names { Self::of_names(line) } else { None }
    }
}

fn claims(head: &[&str], settings: &Settings) -> bool {
    let Some(first) = head.first() else { return false };
    Format::of_header(first).is_some()
        || is_natural(first)
        || is_loose(first)
        || of_settings(settings).is_some_and(|f| {
            first.split_ascii_whitespace().count() == f.slots.len() && numbers_fit(first, &f.slots)
        })
}

fn of_settings(settings: &Settings) -> Option<Format> {
    settings.flow_log_format.as_deref().and_then(Format::of_names)
}

fn begin(settings: &Settings) -> Box<dyn LineReader> {
    Box::new(FlowLines { format: of_settings(settings), headed: false, region: None })
}

struct FlowLines {
    format: Option<Format>,
    /// Whether the format is from a header of the log itself.
    headed: bool,
    /// Where in the object's name its region stands; the inner option is "nowhere".
    region: Option<Option<Range<usize>>>,
}

impl LineReader for FlowLines {
    fn record<'a>(&mut self, text: &'a str, context: &Context<'a>) -> Line<'a> {
        if let Some(format) = Format::of_header(text) {
            self.format = Some(format);
            self.headed = true;
            return Line::Header;
        }
        let mut row = match self.fields(text) {
            Ok(row) => row,
            Err(refusal) => return Line::Refused(refusal),
        };
        if row.region.is_none() && context.envelope.region.is_none() {
            let place = self.region.get_or_insert_with(|| region_in(context.uri)).clone();
            row.region = place.and_then(|at| context.uri.get(at)).map(Cow::Borrowed);
        }
        finish(&mut row, context);
        Line::Event(Box::new(row))
    }
}

impl FlowLines {
    /// The fields of a line, in the order that is known for it.
    fn fields<'a>(&self, text: &'a str) -> Result<Row<'a>, Refusal> {
        if let Some(format) = &self.format
            && let Some(row) = ordered(text, &format.slots, format.comma)
            && (row.flags.is_empty() || self.headed || !is_natural(text))
        {
            return Ok(row);
        }
        if is_natural(text) {
            let fields = text.split_ascii_whitespace().count();
            if let Some(row) = ordered(text, &NATURAL_SLOTS[..fields], false) {
                return Ok(row);
            }
        }
        if is_loose(text) {
            return Ok(unordered(text));
        }
        let fields = text.split_ascii_whitespace().count();
        Err(Refusal(match &self.format {
            Some(f) => format!("has {fields} fields where the format has {}", f.slots.len()),
            None => "is no line of a flow log".to_owned(),
        }))
    }
}

/// A line whose order is known; `None` if it has another number of fields.
fn ordered<'a>(text: &'a str, slots: &[Slot], comma: bool) -> Option<Row<'a>> {
    let mut row = Row::new(&TABLE, text);
    let mut other = String::new();
    let mut slots = slots.iter();
    if comma {
        for field in text.split(',') {
            set(&mut row, &mut other, slots.next()?, Cow::Borrowed(field.trim()));
        }
    } else {
        for field in text.split_ascii_whitespace() {
            set(&mut row, &mut other, slots.next()?, Cow::Borrowed(field));
        }
    }
    if slots.next().is_some() {
        return None;
    }
    close(&mut row, other);
    Some(row)
}

/// One field to its place.
fn set<'a>(row: &mut Row<'a>, other: &mut String, slot: &Slot, field: Cow<'a, str>) {
    if field == "-" || field.is_empty() {
        return;
    }
    match slot {
        Slot::Account if field == "unknown" => {}
        Slot::Account => row.account = Some(field),
        Slot::Region => row.region = Some(field),
        Slot::Source => row.source_ip = Some(field),
        Slot::Action => row.action = Some(field),
        Slot::Text(at) => row.cells[*at] = Cell::Text(field),
        Slot::Int(at) => match field.parse() {
            Ok(number) => row.cells[*at] = Cell::Int(number),
            Err(_) => row.flag(TABLE.columns[*at].name, "is not a whole number", &field),
        },
        Slot::Time(at) => match field.parse().ok().and_then(fields::epoch) {
            Some(time) => row.cells[*at] = Cell::Time(time),
            None => row.flag(TABLE.columns[*at].name, "is no time in seconds", &field),
        },
        Slot::Other(name) => {
            other.push(if other.is_empty() { '{' } else { ',' });
            fields::quote(other, name);
            other.push(':');
            fields::quote(other, &field);
            if name.starts_with("tgw-id") || name.starts_with("tgw_id") {
                row.resource(field);
            }
        }
    }
}

fn close(row: &mut Row<'_>, mut other: String) {
    if !other.is_empty() {
        other.push('}');
        row.cells[OTHER] = Cell::Text(Cow::Owned(other));
    }
}

/// What follows from the fields, and what only the surroundings know.
fn finish<'a>(row: &mut Row<'a>, context: &Context<'a>) {
    row.delivered = Some(context.modified);
    row.time = match (&row.cells[START], &row.cells[END]) {
        (Cell::Time(time), _) | (Cell::Null, Cell::Time(time)) => Some(*time),
        _ => context.envelope.time,
    };
    row.account = row.account.take().or(context.envelope.account.map(Cow::Borrowed));
    row.region = row.region.take().or(context.envelope.region.map(Cow::Borrowed));
    row.actor.clone_from(&row.source_ip);
    row.outcome = match row.action.as_deref() {
        Some("ACCEPT") => Some(Outcome::Success),
        Some("REJECT") => Some(Outcome::Denied),
        _ => None,
    };
    for at in [INTERFACE_ID, INSTANCE_ID, VPC_ID, RESOURCE_ID] {
        if let Cell::Text(id) = &row.cells[at] {
            let id = id.clone();
            row.resource(id);
        }
    }
}

/// A line in an unknown order: what shows by itself what it is.
fn unordered(text: &str) -> Row<'_> {
    let mut row = Row::new(&TABLE, text);
    for field in text.split_ascii_whitespace() {
        match field {
            "ACCEPT" | "REJECT" => row.action = Some(Cow::Borrowed(field)),
            "OK" | "NODATA" | "SKIPDATA" => row.text(LOG_STATUS, field),
            _ if field.starts_with("eni-") => row.text(INTERFACE_ID, field),
            _ if field.starts_with("vpc-") => row.text(VPC_ID, field),
            _ if field.starts_with("subnet-") => row.text(SUBNET_ID, field),
            _ if field.starts_with("i-") => row.text(INSTANCE_ID, field),
            _ if AccountId::fits(field) && row.account.is_none() => {
                row.account = Some(Cow::Borrowed(field));
            }
            _ => {}
        }
    }
    row.flag("other", "the order of the fields is not known, set flow_log_format", text);
    row
}

/// Whether the fields stand in AWS's own order and each looks like what stands there.
fn is_natural(line: &str) -> bool {
    let mut names = NATURAL.iter();
    let mut fields = 0;
    for field in line.split_ascii_whitespace() {
        match names.next() {
            Some(name) if looks_like(name, field) => fields += 1,
            _ => return false,
        }
    }
    fields >= DEFAULT_FIELDS
}

/// Whether the line has what every flow log has, wherever it stands.
fn is_loose(line: &str) -> bool {
    let (mut fields, mut interface, mut verdict, mut numbers) = (0, false, false, 0);
    for field in line.split_ascii_whitespace() {
        let plain =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':' | b'/' | b'_');
        if !field.bytes().all(plain) {
            return false;
        }
        fields += 1;
        interface |= looks_like("interface-id", field) && field != "-";
        verdict |= matches!(field, "ACCEPT" | "REJECT" | "NODATA" | "SKIPDATA");
        numbers += usize::from(looks_like("packets", field) || looks_like("srcaddr", field));
    }
    fields >= 6 && interface && verdict && numbers >= 4
}

/// Whether the fields that must be numbers are, so that the user's format is that of the line.
fn numbers_fit(line: &str, slots: &[Slot]) -> bool {
    line.split_ascii_whitespace().zip(slots).all(|(field, slot)| match slot {
        Slot::Int(_) | Slot::Time(_) => looks_like("packets", field),
        _ => true,
    })
}

/// Whether a field can be of that name; `-` can be any but the version.
fn looks_like(name: &str, field: &str) -> bool {
    let id = |prefix: &str| {
        field
            .strip_prefix(prefix)
            .is_some_and(|hex| !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    if field == "-" {
        return name != "version";
    }
    match name {
        "version" => matches!(field.parse(), Ok(2..=10)),
        "account-id" => AccountId::fits(field) || field == "unknown",
        "interface-id" => id("eni-"),
        "vpc-id" => id("vpc-"),
        "subnet-id" => id("subnet-"),
        "instance-id" => id("i-"),
        "srcaddr" | "dstaddr" | "pkt-srcaddr" | "pkt-dstaddr" => field.parse::<IpAddr>().is_ok(),
        "srcport" | "dstport" | "protocol" | "packets" | "bytes" | "start" | "end"
        | "tcp-flags" | "traffic-path" => field.parse::<u64>().is_ok(),
        "action" => matches!(field, "ACCEPT" | "REJECT"),
        "log-status" => matches!(field, "OK" | "NODATA" | "SKIPDATA"),
        "type" => matches!(field, "IPv4" | "IPv6" | "EFA"),
        "flow-direction" => matches!(field, "ingress" | "egress"),
        _ => true,
    }
}

/// Where the region stands in the name of an object that AWS delivered:
/// `…/vpcflowlogs/eu-west-1/…` or `…/aws-region=eu-west-1/…`.
fn region_in(uri: &str) -> Option<Range<usize>> {
    ["/vpcflowlogs/", "/aws-region="].iter().find_map(|mark| {
        let start = uri.find(mark)? + mark.len();
        let length = uri.get(start..)?.find('/')?;
        (length > 0).then_some(start..start + length)
    })
}

fn claims_json(record: Value<'_>) -> bool {
    flow_of(record).is_some()
}

/// The object that has the fields: the record itself, or the `aws.vpc` of OpenSearch's schema.
fn flow_of(record: Value<'_>) -> Option<Value<'_>> {
    let has = |v: Value<'_>, names: [&str; 2]| names.iter().any(|name| v.get(name).is_some());
    let is_flow = |v: &Value<'_>| {
        has(*v, ["interface_id", "interface-id"])
            && (v.get("srcaddr").is_some() || has(*v, ["log_status", "log-status"]))
    };
    let within = || record.at(&["aws", "vpc"]).filter(is_flow);
    Some(record).filter(is_flow).or_else(within)
}

fn read_json<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, record.compact());
    let mut other = String::new();
    let flow = flow_of(record).ok_or_else(|| Refusal("is no flow".to_owned()))?;
    for (name, value) in flow.fields() {
        match fields::scalar(value) {
            Some(field) => set(&mut row, &mut other, &Slot::of(&name), field),
            None if value.kind() == Kind::Null => {}
            None => row.flag(&name, "is not one value", value.raw()),
        }
    }
    close(&mut row, other);
    if row.region.is_none() {
        let place = region_in(context.uri);
        row.region = place.and_then(|at| context.uri.get(at)).map(Cow::Borrowed);
    }
    finish(&mut row, context);
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::{check, check_with, read};
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        for (name, at) in [
            ("interface_id", INTERFACE_ID),
            ("start", START),
            ("end", END),
            ("log_status", LOG_STATUS),
            ("vpc_id", VPC_ID),
            ("subnet_id", SUBNET_ID),
            ("instance_id", INSTANCE_ID),
            ("resource_id", RESOURCE_ID),
            ("other", OTHER),
        ] {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
        assert!(NATURAL.iter().all(|name| !matches!(Slot::of(name), Slot::Other(_))));
        assert!(TRANSIT_GATEWAY.iter().all(|name| matches!(Slot::of(name), Slot::Other(_))));
    }

    #[test]
    fn the_default_format_is_recognised_without_a_header() {
        check(
            "2 111122223333 eni-0a1b2c3d 203.0.113.12 10.0.0.5 4711 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n2 111122223333 eni-0a1b2c3d 2001:db8::1 2001:db8::2 34892 3389 6 54 8855 1477913708 1477913820 REJECT OK\n",
            expect![[r#"
                vpcflow event_time=2014-12-14T04:06:50Z account=111122223333 actor=203.0.113.12 source_ip=203.0.113.12 action=ACCEPT outcome=success resource_ids=eni-0a1b2c3d version=2 interface_id=eni-0a1b2c3d dstaddr=10.0.0.5 srcport=4711 dstport=22 protocol=6 packets=20 bytes=4249 start=2014-12-14T04:06:50Z end=2014-12-14T04:07:50Z log_status=OK
                vpcflow event_time=2016-10-31T11:35:08Z account=111122223333 actor=2001:db8::1 source_ip=2001:db8::1 action=REJECT outcome=denied resource_ids=eni-0a1b2c3d version=2 interface_id=eni-0a1b2c3d dstaddr=2001:db8::2 srcport=34892 dstport=3389 protocol=6 packets=54 bytes=8855 start=2016-10-31T11:35:08Z end=2016-10-31T11:37:00Z log_status=OK
            "#]],
        );
    }

    #[test]
    fn windows_without_traffic_or_with_skipped_records_are_events() {
        check(
            "2 111122223333 eni-0a1b2c3d - - - - - - - 1431280876 1431280934 - NODATA\n2 unknown eni-0a1b2c3d - - - - - - - 1431280876 1431280934 - SKIPDATA",
            expect![[r#"
                vpcflow event_time=2015-05-10T18:01:16Z account=111122223333 resource_ids=eni-0a1b2c3d version=2 interface_id=eni-0a1b2c3d start=2015-05-10T18:01:16Z end=2015-05-10T18:02:14Z log_status=NODATA
                vpcflow event_time=2015-05-10T18:01:16Z resource_ids=eni-0a1b2c3d version=2 interface_id=eni-0a1b2c3d start=2015-05-10T18:01:16Z end=2015-05-10T18:02:14Z log_status=SKIPDATA
            "#]],
        );
    }

    #[test]
    fn a_header_gives_the_order_and_unknown_fields_are_kept() {
        check(
            "version srcaddr dstaddr start bytes interface-id account-id novelty vpc-id action\r\n7 198.51.100.9 10.0.0.5 1616729292 15044 eni-0a1b2c3d 111122223333 \"so\" vpc-1 REJECT\r\n5 198.51.100.9 10.0.0.5  1616729293 x eni-0a1b2c3d 111122223333 - - ACCEPT",
            expect![[r#"
                vpcflow event_time=2021-03-26T03:28:12Z account=111122223333 actor=198.51.100.9 source_ip=198.51.100.9 action=REJECT outcome=denied resource_ids=eni-0a1b2c3d,vpc-1 version=7 interface_id=eni-0a1b2c3d dstaddr=10.0.0.5 bytes=15044 start=2021-03-26T03:28:12Z vpc_id=vpc-1 other={"novelty":"\"so\""}
                vpcflow event_time=2021-03-26T03:28:13Z account=111122223333 actor=198.51.100.9 source_ip=198.51.100.9 action=ACCEPT outcome=success resource_ids=eni-0a1b2c3d version=5 interface_id=eni-0a1b2c3d dstaddr=10.0.0.5 start=2021-03-26T03:28:13Z flags=bytes=is not a whole number: x
            "#]],
        );
    }

    const MISSION: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${vpc-id} ${subnet-id} ${instance-id} ${tcp-flags} ${type} ${pkt-srcaddr} ${pkt-dstaddr} ${region} ${az-id} ${sublocation-type} ${sublocation-id}";
    const MISSION_LINE: &str = "4 111122223333 eni-0a1b2c3d 203.0.113.12 10.0.0.5 4711 443 6 20 4249 1418530010 1418530070 ACCEPT OK vpc-1 subnet-1 i-0123 3 IPv4 203.0.113.12 10.0.0.5 eu-west-1 euw1-az1 - -";

    #[test]
    fn the_enhanced_format_of_the_mission_needs_neither_header_nor_setting() {
        check(
            MISSION_LINE,
            expect![[r#"
            vpcflow event_time=2014-12-14T04:06:50Z account=111122223333 region=eu-west-1 actor=203.0.113.12 source_ip=203.0.113.12 action=ACCEPT outcome=success resource_ids=eni-0a1b2c3d,i-0123,vpc-1 version=4 interface_id=eni-0a1b2c3d dstaddr=10.0.0.5 srcport=4711 dstport=443 protocol=6 packets=20 bytes=4249 start=2014-12-14T04:06:50Z end=2014-12-14T04:07:50Z log_status=OK vpc_id=vpc-1 subnet_id=subnet-1 instance_id=i-0123 tcp_flags=3 type=IPv4 pkt_srcaddr=203.0.113.12 pkt_dstaddr=10.0.0.5 az_id=euw1-az1
        "#]],
        );
        let plain = read(MISSION_LINE.as_bytes(), &Settings::default(), None);
        let settings =
            Settings { flow_log_format: Some(MISSION.to_owned()), ..Settings::default() };
        assert_eq!(read(MISSION_LINE.as_bytes(), &settings, None), plain);
        let headed = format!("{}\n{MISSION_LINE}", MISSION.replace(['$', '{', '}'], ""));
        assert_eq!(read(headed.as_bytes(), &Settings::default(), None), plain);
    }

    #[test]
    fn a_setting_gives_the_order_of_a_log_group_without_header() {
        let format = "${start} ${srcaddr} ${dstaddr} ${dstport} ${action}".to_owned();
        let settings = Settings { flow_log_format: Some(format), ..Settings::default() };
        let line = "1418530010 203.0.113.12 10.0.0.5 22 REJECT";
        check_with(
            &format!(
                r#"{{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"flows","logStream":"eni-0a1b2c3d-all","subscriptionFilters":["all"],"logEvents":[{{"id":"e-1","timestamp":1418530011000,"message":"{line}"}},{{"id":"e-2","timestamp":1418530012000,"message":"{MISSION_LINE}"}}]}}"#
            ),
            &settings,
            expect![[r#"
                vpcflow event_time=2014-12-14T04:06:50Z event_id=e-1 account=111122223333 actor=203.0.113.12 source_ip=203.0.113.12 action=REJECT outcome=denied dstaddr=10.0.0.5 dstport=22 start=2014-12-14T04:06:50Z
                vpcflow event_time=2014-12-14T04:06:50Z event_id=e-2 account=111122223333 region=eu-west-1 actor=203.0.113.12 source_ip=203.0.113.12 action=ACCEPT outcome=success resource_ids=eni-0a1b2c3d,i-0123,vpc-1 version=4 interface_id=eni-0a1b2c3d dstaddr=10.0.0.5 srcport=4711 dstport=443 protocol=6 packets=20 bytes=4249 start=2014-12-14T04:06:50Z end=2014-12-14T04:07:50Z log_status=OK vpc_id=vpc-1 subnet_id=subnet-1 instance_id=i-0123 tcp_flags=3 type=IPv4 pkt_srcaddr=203.0.113.12 pkt_dstaddr=10.0.0.5 az_id=euw1-az1
            "#]],
        );
    }

    #[test]
    fn an_unknown_order_is_kept_and_flagged_never_guessed() {
        check(
            "3 vpc-1 subnet-1 i-0123 eni-0a1b2c3d 111122223333 IPv4 203.0.113.1 10.0.0.62 43416 5001 6 568 8 1566848875 1566848933 ACCEPT 2 OK\n…",
            expect![[r#"
                vpcflow account=111122223333 action=ACCEPT outcome=success resource_ids=eni-0a1b2c3d,i-0123,vpc-1 interface_id=eni-0a1b2c3d log_status=OK vpc_id=vpc-1 subnet_id=subnet-1 instance_id=i-0123 flags=other=the order of the fields is not known, set flow_log_format: 3 vpc-1 subnet-1 i-0123 eni-0a1b2c3d 111122223333 IPv4 203.0.113.1 10.0.0.62 43416 5001 6 568 8 1566848875 1566848933 ACCEPT 2 OK
                refused vpcflow 130 is no line of a flow log
            "#]],
        );
    }

    #[test]
    fn a_line_that_is_cut_is_refused() {
        check(
            "version account-id interface-id srcaddr dstaddr\n2 111122223333 eni-0a1b2c3d 203.0.113.12",
            expect![[r#"
                refused vpcflow 48 has 4 fields where the format has 5
            "#]],
        );
    }

    #[test]
    fn transit_gateways_fields_are_kept_together() {
        check(
            "version resource-type account-id tgw-id tgw-attachment-id srcaddr dstaddr packets-lost-blackhole start end log-status\n6 TransitGateway 111122223333 tgw-1 tgw-attach-1 10.0.0.1 10.1.0.1 0 1418530010 1418530070 OK",
            expect![[r#"
                vpcflow event_time=2014-12-14T04:06:50Z account=111122223333 actor=10.0.0.1 source_ip=10.0.0.1 resource_ids=tgw-1 version=6 dstaddr=10.1.0.1 start=2014-12-14T04:06:50Z end=2014-12-14T04:07:50Z log_status=OK other={"resource-type":"TransitGateway","tgw-id":"tgw-1","tgw-attachment-id":"tgw-attach-1","packets-lost-blackhole":"0"}
            "#]],
        );
    }

    #[test]
    fn json_from_parquet_in_either_spelling_and_csv() {
        check(
            r#"[{"version":5,"account_id":"111122223333","interface_id":"eni-0a1b2c3d","srcaddr":"203.0.113.12","dstport":22,"protocol":6,"start":1418530010,"action":"REJECT","traffic_path":null,"flow_direction":"ingress","novelty":"x"},{"version":"5","account-id":"111122223333","interface-id":"eni-0a1b2c3d","srcaddr":"203.0.113.12","dstport":"22","protocol":"6","start":"1418530010","action":"REJECT","traffic-path":"-","flow-direction":"ingress","novelty":"x"}]"#,
            expect![[r#"
                vpcflow event_time=2014-12-14T04:06:50Z account=111122223333 actor=203.0.113.12 source_ip=203.0.113.12 action=REJECT outcome=denied resource_ids=eni-0a1b2c3d version=5 interface_id=eni-0a1b2c3d dstport=22 protocol=6 start=2014-12-14T04:06:50Z flow_direction=ingress other={"novelty":"x"}
                vpcflow event_time=2014-12-14T04:06:50Z account=111122223333 actor=203.0.113.12 source_ip=203.0.113.12 action=REJECT outcome=denied resource_ids=eni-0a1b2c3d version=5 interface_id=eni-0a1b2c3d dstport=22 protocol=6 start=2014-12-14T04:06:50Z flow_direction=ingress other={"novelty":"x"}
            "#]],
        );
        check(
            "account_id,action,dstport,interface_id,srcaddr,start\n111122223333,REJECT,22,eni-0a1b2c3d,203.0.113.12,1418530010",
            expect![[r#"
                vpcflow event_time=2014-12-14T04:06:50Z account=111122223333 actor=203.0.113.12 source_ip=203.0.113.12 action=REJECT outcome=denied resource_ids=eni-0a1b2c3d interface_id=eni-0a1b2c3d dstport=22 start=2014-12-14T04:06:50Z
            "#]],
        );
    }

    #[test]
    fn the_region_is_in_the_objects_name() {
        for uri in [
            "s3://b/AWSLogs/1/vpcflowlogs/eu-west-1/2024/f.gz",
            "s3://b/aws-account-id=1/aws-service=vpcflowlogs/aws-region=eu-west-1/f.gz",
        ] {
            assert_eq!(region_in(uri).and_then(|at| uri.get(at)), Some("eu-west-1"));
        }
        assert_eq!(region_in("s3://b/flows.gz"), None);
    }

    #[test]
    fn prose_about_an_interface_is_no_flow_log() {
        for line in ["2024-01-01 attached eni-0a1b2c3d, ACCEPT 1 2 3 4 5", "ACCEPT 1 2 3 4 5 6", ""]
        {
            assert!(!claims(&[line], &Settings::default()), "{line}");
        }
    }
}
