//! What is to be done with the files, in which order.

use super::{File, Format};
use crate::setup::foundation::Foundation;

const CLOUDFORMATION: &str = "\
Deploy in this order; the names of the files say it.

1. In account ARCHIVE, region HOME:
   aws cloudformation deploy --region HOME --stack-name watchkeeper-archive --template-file 1-archive.cloudformation.json
2. In account MANAGEMENT, region HOME:
   aws cloudformation deploy --region HOME --stack-name watchkeeper-management --capabilities CAPABILITY_NAMED_IAM --template-file 2-management.cloudformation.json
3. In account SECURITY, region HOME, behind the hub of `watchkeeper init`, whose queue it fills:
   aws cloudformation deploy --region HOME --stack-name watchkeeper-security --template-file 3-security.cloudformation.json
4. In every account, region HOME (a stack set; the management account by hand, for stack sets do not reach it):
   4-accounts.cloudformation.json, with --capabilities CAPABILITY_NAMED_IAM
5. In every region of every account (a stack set over REGIONS; the management account by hand):
   5-regions.cloudformation.json
6. In every region of account MANAGEMENT:
   6-organization-rules.cloudformation.json
7. Each flow-logs.ACCOUNT.REGION.cloudformation.json in that region of that account. A VPC that is made later
   is in none of them: watchkeeper setup plan --only flow-logs names it.
";

const TERRAFORM: &str = "\
Run it with credentials of account MANAGEMENT; in the others the role of var.role is assumed. Key, buckets and
roles come first, for trail and flow logs are refused without them.

   terraform init
   terraform plan
   terraform apply -target=module.archive
   terraform apply TARGETS
   terraform apply
";

pub(super) fn file(f: &Foundation, format: Format, accounts: &[String], notes: &[String]) -> File {
    let how = match format {
        Format::CloudFormation => CLOUDFORMATION,
        Format::Terraform => TERRAFORM,
    };
    let targets: Vec<String> =
        accounts.iter().map(|account| format!("-target=module.account_{account}")).collect();
    let how = how
        .replace("TARGETS", &targets.join(" "))
        .replace("account ARCHIVE", &format!("account {}", f.accounts.archive))
        .replace("account MANAGEMENT", &format!("account {}", f.accounts.management))
        .replace("account SECURITY", &format!("account {}", f.accounts.security))
        .replace("HOME", f.home())
        .replace("over REGIONS", &format!("over {}", f.regions.join(", ")));
    let notes: Vec<String> = notes.iter().map(|note| format!("* {note}\n")).collect();
    let out: Vec<String> = f
        .opt_outs
        .iter()
        .map(|o| {
            let mut at = [o.accounts.join(", "), o.regions.join(", ")].join(" ");
            if at.trim().is_empty() {
                "everywhere".clone_into(&mut at);
            }
            format!("* {} ({}): {}\n", o.what, at.trim(), o.reason)
        })
        .collect();
    let out = if out.is_empty() {
        String::new()
    } else {
        format!(
            "\nLeft out by the foundation; where it is only in some places, do not deploy it there:\n\n{}",
            out.concat()
        )
    };
    let text = format!(
        "The foundation of {}\n\nNothing here deletes, stops or shortens anything. People who are subscribed to a topic have to\nconfirm: until then nobody hears an alarm.\n\n{how}\nBeside:\n\n{}{out}",
        f.organization,
        notes.concat()
    );
    File { name: "README.txt".to_owned(), text }
}
