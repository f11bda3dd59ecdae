//! A whole file.

use wk_lang::yaml::{self, Node, Place};

use super::fields::{Fields, Mistake, cut, nothing};
use super::{Accounts, Contact, Foundation, parts, services, terms};

const KEYS: [&str; 17] = [
    "foundation",
    "organization",
    "accounts",
    "regions",
    "contacts",
    "key",
    "buckets",
    "trail",
    "flow_logs",
    "config",
    "guardduty",
    "security_hub",
    "alarms",
    "events",
    "dashboard",
    "retention",
    "opt_outs",
];

/// The form of the file that is understood.
const FORM: &str = "1";

/// Reads a file: the foundation, and what is only told of it.
///
/// # Errors
/// Every mistake that was found, by place.
pub fn read(file: &str, text: &str) -> Result<(Foundation, Vec<Mistake>), Vec<Mistake>> {
    let mut fields = Fields { file, mistakes: Vec::new() };
    let foundation = document(&mut fields, text).and_then(|root| foundation(&mut fields, &root));
    let mut mistakes = fields.mistakes;
    mistakes.sort_by_key(|m| (m.place, m.only_told));
    match foundation {
        Some(foundation) if mistakes.iter().all(|m| m.only_told) => Ok((foundation, mistakes)),
        _ => Err(mistakes),
    }
}

fn document(fields: &mut Fields<'_>, text: &str) -> Option<Node> {
    let start = Node { place: Place { line: 1, column: 1 }, content: yaml::Content::Null };
    match yaml::read(text) {
        Err(error) => {
            let at = Node { place: error.place, ..start };
            fields.wrong(&at, format!("the file is no YAML: {}", error.problem));
            None
        }
        Ok(mut documents) if documents.len() == 1 => documents.pop(),
        Ok(documents) => {
            let why = format!("a foundation is one document; there are {}", documents.len());
            fields.wrong(documents.get(1).unwrap_or(&start), why);
            None
        }
    }
}

fn foundation(fields: &mut Fields<'_>, root: &Node) -> Option<Foundation> {
    if !fields.mapping(root, "a foundation", &KEYS) {
        return None;
    }
    match root.get("foundation") {
        Some(form) if form.scalar() == Some(FORM) => {}
        Some(form) => fields.wrong(form, format!("this program reads foundation: {FORM}")),
        None => fields.wrong(root, format!("foundation: {FORM} is missing: the form of the file")),
    }
    let organization = organization(fields, root);
    let accounts = accounts(fields, root);
    let regions = regions(fields, root);
    let contacts = contacts(fields, root);
    let buckets = parts::buckets(fields, root);
    let key = key(fields, root, regions.first().map(String::as_str).unwrap_or_default());
    let dashboard =
        root.get("dashboard").and_then(|n| fields.name(n, "a dashboard's name", "_-", 255));
    let (trail, flow_logs) = (parts::trail(fields, root), parts::flow_logs(fields, root));
    let (config, guardduty) = (services::config(fields, root), services::guardduty(fields, root));
    let (security_hub, alarms) =
        (services::security_hub(fields, root), services::alarms(fields, root));
    let (retention, opt_outs) = (terms::policy(fields, root), parts::opt_outs(fields, root));
    let mut read = Foundation {
        organization: organization?,
        accounts: accounts?,
        regions,
        contacts,
        key: key?,
        buckets: buckets?,
        trail,
        flow_logs,
        config,
        guardduty,
        security_hub,
        alarms,
        events: super::Events { queue: String::new(), severity_min: 7.0 },
        dashboard: dashboard.unwrap_or_else(|| "security-overview".to_owned()),
        retention,
        opt_outs,
    };
    let queue = read.arn("sqs", read.home(), &read.accounts.security, "watchkeeper");
    read.events = services::events(fields, root, queue);
    together(fields, root, &mut read);
    Some(read)
}

/// What only the parts together can get wrong.
fn together(fields: &mut Fields<'_>, root: &Node, read: &mut Foundation) {
    if read.left_out("lock", &read.accounts.archive, read.home()).is_some() {
        read.buckets.lock = None;
    }
    let wanted = read.retention.wanted(&read.trail.log_group);
    if wanted.keep.days().is_some_and(|days| days < read.buckets.keep_days) {
        let at = root.get("retention").unwrap_or(root);
        let why = format!(
            "the trail's log group {} keeps {}, less than its bucket ({} days)",
            read.trail.log_group, wanted.keep, read.buckets.keep_days
        );
        fields.doubt(at, why);
    }
    if read.accounts.security == read.accounts.management
        && let Some(node) = root.get("accounts")
    {
        let why = "the management account administers GuardDuty and Security Hub itself: AWS advises \
                   against it, and for Security Hub refuses it";
        fields.doubt(node, why);
    }
    for opt_out in &read.opt_outs {
        let stray = opt_out.regions.iter().find(|r| !read.regions.contains(r));
        if let (Some(region), Some(node)) = (stray, root.get("opt_outs")) {
            fields.doubt(
                node,
                format!(
                    "{} is left out in {region}, which is no region of the foundation",
                    opt_out.what
                ),
            );
        }
    }
}

fn organization(fields: &mut Fields<'_>, root: &Node) -> Option<String> {
    let id = fields.needed(root, "organization", "the organization's id, o-…")?;
    let fits = id.strip_prefix("o-").is_some_and(|rest| {
        (10..=32).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    });
    if !fits && let Some(node) = root.get("organization") {
        fields.wrong(
            node,
            format!(
                "{:?} is no organization's id: o- and 10 to 32 small letters and digits",
                cut(&id)
            ),
        );
        return None;
    }
    Some(id)
}

fn accounts(fields: &mut Fields<'_>, root: &Node) -> Option<Accounts> {
    let Some(node) = root.get("accounts") else {
        fields.wrong(root, "accounts is missing: management, security and archive");
        return None;
    };
    if !fields.mapping(node, "accounts", &["management", "security", "archive", "members"]) {
        return None;
    }
    let mut account = |key: &str| match node.get(key) {
        Some(inner) => fields.account(inner, key),
        None => {
            fields.wrong(node, format!("{key} is missing: an account of twelve digits"));
            None
        }
    };
    let own = (account("management"), account("security"), account("archive"));
    let members = node.get("members").map(|n| fields.texts(n, "members")).unwrap_or_default();
    let members =
        members.into_iter().filter_map(|(_, item)| fields.account(&item, "members")).collect();
    let (Some(management), Some(security), Some(archive)) = own else { return None };
    Some(Accounts { management, security, archive, members })
}

fn regions(fields: &mut Fields<'_>, root: &Node) -> Vec<String> {
    let Some(node) = root.get("regions") else {
        fields.wrong(root, "regions is missing: home, and others that are switched on");
        return Vec::new();
    };
    if !fields.mapping(node, "regions", &["home", "others"]) {
        return Vec::new();
    }
    let mut regions = Vec::new();
    match node.get("home") {
        Some(home) => regions.extend(fields.region(home, "home")),
        None => fields
            .wrong(node, "home is missing: the region of the trail, the buckets and the topic"),
    }
    let others = node.get("others").map(|n| fields.texts(n, "others")).unwrap_or_default();
    for (_, item) in others {
        let Some(region) = fields.region(&item, "others") else { continue };
        if regions.contains(&region) {
            fields.wrong(&item, format!("{region} is the home region already"));
        } else {
            regions.push(region);
        }
    }
    regions
}

fn contacts(fields: &mut Fields<'_>, root: &Node) -> Vec<Contact> {
    const PROTOCOLS: [&str; 4] = ["email", "https", "sms", "sqs"];
    let critical = root.get("contacts").and_then(|node| {
        fields.mapping(node, "contacts", &["critical"]).then_some(node)?.get("critical")
    });
    let Some(critical) = critical.filter(|node| !nothing(node)) else {
        fields.wrong(root, "contacts: critical names nobody: alarms that nobody hears are none");
        return Vec::new();
    };
    let mut contacts = Vec::new();
    for item in critical.items() {
        let protocol = PROTOCOLS.into_iter().find(|p| item.get(p).is_some());
        if !fields.mapping(item, "a contact", &PROTOCOLS) {
            continue;
        }
        let (Some(protocol), Some(1)) = (protocol, item.members().map(<[_]>::len)) else {
            fields.wrong(item, format!("a contact is one of {}", PROTOCOLS.join(", ")));
            continue;
        };
        let Some(endpoint) = fields.text_of(item, protocol, "a contact") else { continue };
        let fits = match protocol {
            "email" => endpoint.contains('@'),
            "https" => endpoint.starts_with("https://"),
            "sms" => endpoint.starts_with('+'),
            _ => endpoint.starts_with("arn:"),
        };
        if !fits {
            fields.wrong(item, format!("{:?} is no address for {protocol}", cut(&endpoint)));
        }
        contacts.push(Contact { protocol: protocol.to_owned(), endpoint });
    }
    contacts
}

/// An alias of a key that is made in the archive's account, or the ARN of one that is there.
fn key(fields: &mut Fields<'_>, root: &Node, home: &str) -> Option<String> {
    let Some(node) = root.get("key") else { return Some("alias/security-logs".to_owned()) };
    if nothing(node) || node.scalar() == Some("none") {
        fields.known(node, "trail-without-key");
        return None;
    }
    let key = fields.name(node, "a key", ":/_-", 256)?;
    if let Some(arn) = key.strip_prefix("arn:") {
        let parts: Vec<&str> = arn.splitn(5, ':').collect();
        let [_, "kms", region, _, _] = parts[..] else {
            fields.wrong(node, format!("{:?} is not the ARN of a key", cut(&key)));
            return None;
        };
        if region != home {
            fields.wrong(node, format!("the key lies in {region}, the trail and its bucket in {home}: CloudTrail refuses that"));
        }
    } else if !key.starts_with("alias/") || key.starts_with("alias/aws/") {
        fields.wrong(
            node,
            format!("{:?} is neither alias/NAME of our own nor the ARN of a key", cut(&key)),
        );
        return None;
    }
    Some(key)
}
