//! Modules for Terraform: one for each place, and a root that calls them for every account and region.

use serde_json::json;

use super::hcl::{Hcl, block, labelled, name, refer, set, text};
use super::{
    Exported, File, Format, alarms, buckets, config, dashboard, events, flow_logs, guardduty, key,
    on, readme, security_hub, topic, trail,
};
use crate::posture::Posture;
use crate::setup::foundation::Foundation;

/// What holds evidence, or makes it, is not destroyed by a plan that somebody reads too quickly.
pub(super) fn kept() -> Hcl {
    block("lifecycle", vec![set("prevent_destroy", true)])
}

pub(super) fn export(f: &Foundation, posture: Option<&Posture>) -> Exported {
    let modules = [
        ("archive", archive(f)),
        ("management", management(f)),
        ("security", security(f)),
        ("account", account(f)),
        ("region", region(f)),
        ("organization", organization(f)),
    ];
    let (mut files, mut there) = (Vec::new(), Vec::new());
    for (module, body) in modules {
        if body.is_empty() {
            continue;
        }
        there.push(module);
        let mut all = head();
        all.extend(variables(module));
        all.extend(body);
        files.push(File { name: format!("{module}/main.tf"), text: text(&all) });
    }
    let accounts = super::accounts(f, posture);
    files.insert(0, File { name: "main.tf".to_owned(), text: text(&root(f, &accounts, &there)) });
    let notes = vec![
        "Log groups that are there already keep what they keep: their terms are set by the calls of watchkeeper setup plan --only retention.".to_owned(),
        "What is there already has to be imported (terraform import), or apply is refused by AWS: watchkeeper setup plan says what is there.".to_owned(),
    ];
    files.push(readme::file(f, Format::Terraform, &accounts, &notes));
    Exported { files, notes, missing: Vec::new() }
}

/// What every module begins with.
fn head() -> Vec<Hcl> {
    vec![
        required(),
        Hcl::Block("data \"aws_caller_identity\" \"current\"".to_owned(), Vec::new()),
        Hcl::Block("data \"aws_partition\" \"current\"".to_owned(), Vec::new()),
        Hcl::Block("data \"aws_region\" \"current\"".to_owned(), Vec::new()),
    ]
}

/// Which provider is wanted.
fn required() -> Hcl {
    let aws = refer("aws", "{ source = \"hashicorp/aws\", version = \">= 5.40\" }");
    Hcl::Block("terraform".to_owned(), vec![block("required_providers", vec![aws])])
}

/// What a module is told.
fn variables(module: &str) -> Vec<Hcl> {
    let variable = |name: &str, kind: &str, about: &str| {
        labelled("variable", name, vec![refer("type", kind), set("description", about)])
    };
    match module {
        "management" => {
            vec![variable("log_key_arn", "string", "ARN of the key under which logs lie")]
        }
        "account" => vec![variable(
            "make_config_role",
            "bool",
            "false where AWS Config was used already: its role is there then",
        )],
        "region" => vec![
            variable("is_home", "bool", "Whether it is the home region"),
            variable("is_hub", "bool", "Whether it is the home region of the security account"),
        ],
        "organization" => vec![variable("is_home", "bool", "Whether it is the home region")],
        _ => Vec::new(),
    }
}

fn archive(f: &Foundation) -> Vec<Hcl> {
    let mut all = key::module(f);
    if on(f, "buckets") {
        all.extend(buckets::module(f));
    }
    let arn = if f.key.starts_with("arn:") {
        set("value", f.key.clone())
    } else {
        refer("value", "aws_kms_key.logs.arn")
    };
    all.push(labelled("output", "log_key_arn", vec![arn]));
    all
}

fn management(f: &Foundation) -> Vec<Hcl> {
    let (account, mut all) = (&f.accounts.management, Vec::new());
    if on(f, "topic") {
        all.extend(topic::module(f, account));
    }
    if on(f, "trail") {
        all.extend(trail::module(f));
        if on(f, "alarms") && on(f, "topic") {
            all.extend(alarms::filters_module(f));
            all.extend(alarms::module(f, account));
        }
    }
    if on(f, "dashboard") {
        all.extend(dashboard::module(f));
    }
    all
}

fn security(f: &Foundation) -> Vec<Hcl> {
    let (account, mut all) = (&f.accounts.security, Vec::new());
    if *account != f.accounts.management && on(f, "topic") {
        all.extend(topic::module(f, account));
        if on(f, "alarms") {
            all.extend(alarms::module(f, account));
        }
    }
    if on(f, "events") {
        all.extend(events::hub_module(f));
    }
    all
}

fn account(f: &Foundation) -> Vec<Hcl> {
    let mut all = Vec::new();
    if on(f, "config") {
        all.extend(config::role_module());
    }
    if on(f, "flow-logs") {
        all.extend(flow_logs::role_module(f));
    }
    if on(f, "events") {
        all.extend(events::role_module(f));
    }
    all
}

fn region(f: &Foundation) -> Vec<Hcl> {
    let mut all = Vec::new();
    if on(f, "config") {
        all.extend(config::module(f));
    }
    if on(f, "guardduty") {
        all.extend(guardduty::module(f));
    }
    if on(f, "security-hub") {
        all.extend(security_hub::module(f));
    }
    if on(f, "flow-logs") {
        all.extend(flow_logs::module(f));
    }
    if on(f, "events") {
        all.extend(events::forward_module(f));
    }
    all
}

fn organization(f: &Foundation) -> Vec<Hcl> {
    let mut all = Vec::new();
    if on(f, "guardduty-administrator") {
        all.extend(guardduty::administrator_module(f));
    }
    if on(f, "organization-rules") {
        all.extend(config::rules_module(f));
    }
    all
}

/// A provider for every region of every account, and the modules of each.
fn root(f: &Foundation, accounts: &[String], there: &[&str]) -> Vec<Hcl> {
    let mut all = root_head();
    for account in accounts {
        all.extend(f.regions.iter().map(|region| provider(f, account, region)));
    }
    let (own, home) = (&f.accounts, f.home());
    let mut calls = Calls { there, all };
    calls.add("archive", "archive", &own.archive, home, Vec::new());
    let key = vec![
        refer("log_key_arn", "module.archive.log_key_arn"),
        refer("depends_on", "[module.archive]"),
    ];
    calls.add("management", "management", &own.management, home, key);
    calls.add("security", "security", &own.security, home, Vec::new());
    for account in accounts {
        calls.of_account(f, account);
    }
    for region in &f.regions {
        let more = vec![set("is_home", region == home)];
        let label = format!("organization_{}", name(region));
        calls.add("organization", &label, &own.management, region, more);
    }
    calls.all
}

fn root_head() -> Vec<Hcl> {
    vec![
        required(),
        labelled(
            "variable",
            "role",
            vec![
                refer("type", "string"),
                set("default", "OrganizationAccountAccessRole"),
                set(
                    "description",
                    "The role that is assumed in every account but the management account",
                ),
            ],
        ),
        labelled(
            "variable",
            "accounts_with_config_role",
            vec![
                refer("type", "set(string)"),
                set("default", json!([])),
                set(
                    "description",
                    "Accounts in which AWS Config was used already: its role is there then",
                ),
            ],
        ),
    ]
}

/// Calls of the modules that there are.
struct Calls<'t> {
    there: &'t [&'t str],
    all: Vec<Hcl>,
}

impl Calls<'_> {
    fn add(&mut self, module: &str, label: &str, account: &str, region: &str, more: Vec<Hcl>) {
        if !self.there.contains(&module) {
            return;
        }
        let mut body = vec![
            set("source", format!("./{module}")),
            refer("providers", &format!("{{ aws = aws.{} }}", alias(account, region))),
        ];
        body.extend(more);
        self.all.push(labelled("module", label, body));
    }

    fn of_account(&mut self, f: &Foundation, account: &str) {
        let home = f.home();
        let make = format!("!contains(var.accounts_with_config_role, \"{account}\")");
        let label = format!("account_{account}");
        self.add("account", &label, account, home, vec![refer("make_config_role", &make)]);
        // No depends_on: VPCs that are asked for only while others change cannot be gone through.
        for region in &f.regions {
            let more = vec![
                set("is_home", region == home),
                set("is_hub", account == f.accounts.security && region == home),
            ];
            let label = format!("region_{}", alias(account, region));
            self.add("region", &label, account, region, more);
        }
    }
}

fn alias(account: &str, region: &str) -> String {
    format!("a{account}_{}", name(region))
}

fn provider(f: &Foundation, account: &str, region: &str) -> Hcl {
    let mut body = vec![
        set("alias", alias(account, region)),
        set("region", region),
        set("allowed_account_ids", json!([account])),
    ];
    if account != f.accounts.management {
        let role = format!("\"arn:{}:iam::{account}:role/${{var.role}}\"", f.partition());
        body.push(block("assume_role", vec![refer("role_arn", &role)]));
    }
    labelled("provider", "aws", body)
}
