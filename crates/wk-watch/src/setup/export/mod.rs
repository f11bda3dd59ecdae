//! The foundation as templates of CloudFormation or modules of Terraform.
//!
//! * One file for each subject writes both forms from the same wants as the plan, so that what is
//!   exported and deployed is what the next plan finds good.
//! * Nothing is applied here, and nothing that is exported deletes, stops or shortens anything.
//! * What a form cannot say is told as a note, never left out in silence.

mod alarms;
mod buckets;
mod cloudformation;
mod config;
mod dashboard;
mod events;
mod flow_logs;
mod guardduty;
mod hcl;
mod key;
mod readme;
mod roles;
mod security_hub;
mod terraform;
mod topic;
mod trail;

use crate::posture::Posture;
use crate::posture::members::text;
use crate::setup::foundation::Foundation;

/// A form of templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Templates of CloudFormation, as JSON.
    CloudFormation,
    /// Modules of Terraform.
    Terraform,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, with the folder in front where it lies in one.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// Everything that was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The files.
    pub files: Vec<File>,
    /// What the form cannot say.
    pub notes: Vec<String>,
    /// What could not be known, and is missing in the files.
    pub missing: Vec<String>,
}

/// Writes the foundation in a form. The inventory tells accounts and VPCs.
pub fn export(foundation: &Foundation, posture: Option<&Posture>, format: Format) -> Exported {
    match format {
        Format::CloudFormation => cloudformation::export(foundation, posture),
        Format::Terraform => terraform::export(foundation, posture),
    }
}

/// Whether a subject is not left out everywhere.
fn on(f: &Foundation, subject: &str) -> bool {
    f.left_out(subject, "", "").is_none()
}

/// The accounts: those that are named, and where no members are, those of the inventory.
fn accounts(f: &Foundation, posture: Option<&Posture>) -> Vec<String> {
    let mut all: Vec<String> = f.named_accounts().into_iter().map(str::to_owned).collect();
    if let Some(posture) = posture.filter(|_| f.accounts.members.is_empty()) {
        all.extend(posture.accounts().map(str::to_owned));
        all.sort_unstable();
        all.dedup();
    }
    all
}

/// The VPCs of a region of an account.
type Vpcs = (String, String, Vec<String>);

/// The VPCs of every region that the inventory saw, and what it did not see.
fn vpcs(f: &Foundation, posture: Option<&Posture>) -> (Vec<Vpcs>, Vec<String>) {
    let (mut told, mut missing) = (Vec::new(), Vec::new());
    let Some(posture) = posture else {
        let why = "Flow logs are missing: CloudFormation has to be told each VPC, and there is no inventory (watchkeeper inventory run).";
        return (told, vec![why.to_owned()]);
    };
    for account in accounts(f, Some(posture)) {
        for region in &f.regions {
            if f.left_out("flow-logs", &account, region).is_some() {
                continue;
            }
            match posture.view(&account, region).list("ec2:DescribeVpcs", &["Vpcs", "vpcSet"]) {
                Ok(all) => {
                    let ids =
                        all.into_iter().filter_map(|vpc| text(vpc, "VpcId")).map(str::to_owned);
                    told.push((account.clone(), region.clone(), ids.collect()));
                }
                Err(blind) => missing.push(format!(
                    "Flow logs of {account} in {region} are missing: {}.",
                    blind.why
                )),
            }
        }
    }
    (told, missing)
}

#[cfg(test)]
mod tests;
