//! `watchkeeper init`

use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use wk_act::reader::{self, Choices, Permissions};
use wk_model::AccountId;
use wk_seam::aws::Effect;

use super::{Exit, Usage};

/// Write the templates that let Watchkeeper read your accounts, and a first configuration.
///
/// A reader role for every account (CloudFormation for a stack set, and Terraform), the queue and
/// rule and policy of the service's own account, what a log bucket is to be told, and config.toml.
/// Nothing is asked of AWS and nothing is changed there.
#[derive(Args)]
pub(crate) struct Init {
    /// The account in which the service will run
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// The region of its queue
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// A bucket with logs; may be repeated
    #[arg(long, value_name = "BUCKET")]
    log_bucket: Vec<String>,
    /// ARN of a KMS key under which logs lie; may be repeated [default: any key, by way of S3]
    #[arg(long, value_name = "ARN")]
    log_key: Vec<String>,
    /// The bucket of the lake, where it is to lie in S3
    #[arg(long, value_name = "BUCKET")]
    lake_bucket: Option<String>,
    /// The organization's id (o-…): roles are then entered only within it
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// The reader role's name
    #[arg(long, value_name = "NAME", default_value = "watchkeeper-reader")]
    role: String,
    /// The external id of the role's trust [default: a new one]
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// The queue's name
    #[arg(long, value_name = "NAME", default_value = "watchkeeper")]
    queue: String,
    /// A folder for the files; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "watchkeeper-setup")]
    out: PathBuf,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Init {
    pub(crate) fn run(mut self, ask: &mut dyn Write, out: &mut dyn Write) -> anyhow::Result<Exit> {
        self.ask_what_is_missing(ask)?;
        let choices = self.choices()?;
        let permissions = permissions();
        let files = files(&permissions, &choices)?;
        fs::create_dir_all(&self.out)
            .with_context(|| format!("could not make {}", self.out.display()))?;
        if !self.force {
            for (name, _) in &files {
                let path = self.out.join(name);
                if path.try_exists()? {
                    bail!("{} is there already; use another --out, or --force", path.display());
                }
            }
        }
        for (name, content) in &files {
            write_private(&self.out.join(name), content)?;
        }
        if self.json {
            let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
            let told = json!({
                "folder": self.out.display().to_string(),
                "files": names,
                "reader_permissions": permissions.reader,
                "external_id": choices.external_id,
                "queue_arn": choices.queue_arn(),
            });
            writeln!(out, "{told:#}")?;
        } else {
            tell(&self.out, &files, &permissions, &choices, out)?;
        }
        Ok(Exit::Ok)
    }

    /// Only a person at a terminal is asked.
    fn ask_what_is_missing(&mut self, ask: &mut dyn Write) -> anyhow::Result<()> {
        for (value, what, flag) in [
            (&mut self.account, "Account in which the service will run (12 digits): ", "--account"),
            (&mut self.region, "Region of its queue (eu-west-1, …): ", "--region"),
        ] {
            if value.is_some() {
                continue;
            }
            if !io::stdin().is_terminal() {
                return Err(Usage::error(format!("{flag} is needed")));
            }
            write!(ask, "{what}")?;
            ask.flush()?;
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line)?;
            *value = Some(line.trim().to_owned());
        }
        Ok(())
    }

    fn choices(&self) -> anyhow::Result<Choices> {
        let account = AccountId::try_from(self.account.clone().unwrap_or_default())
            .map_err(|e| Usage::error(format!("--account: {e}")))?;
        let region = self.region.clone().unwrap_or_default();
        check("--region", &region, 32, "-")?;
        check("--role", &self.role, 64, "+=,.@_-")?;
        check("--queue", &self.queue, 74, "_-")?;
        for bucket in self.log_bucket.iter().chain(&self.lake_bucket) {
            check("a bucket", bucket, 63, ".-")?;
        }
        for key in &self.log_key {
            if !key.starts_with("arn:") || !key.contains(":kms:") {
                return Err(Usage::error(format!("--log-key: {key:?} is not the ARN of a key")));
            }
            check("--log-key", key, 256, ":/-")?;
        }
        if let Some(id) = &self.organization {
            check("--organization", id, 34, "-")?;
        }
        let external_id = match &self.external_id {
            Some(id) => id.clone(),
            None => new_external_id()?,
        };
        check("--external-id", &external_id, 1224, "+=,.@:/-_")?;
        let partition = match region.as_str() {
            china if china.starts_with("cn-") => "aws-cn",
            gov if gov.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        Ok(Choices {
            partition: partition.to_owned(),
            account,
            region,
            role: self.role.clone(),
            external_id,
            queue: self.queue.clone(),
            log_buckets: self.log_bucket.clone(),
            log_keys: self.log_key.clone(),
            lake_bucket: self.lake_bucket.clone(),
            organization: self.organization.clone(),
        })
    }
}

/// What our calls declare, by where it is needed.
pub(crate) fn permissions() -> Permissions {
    let adapters = wk_aws::OPERATIONS.iter().flat_map(|operations| operations.iter().copied());
    let mut permissions = Permissions::default();
    let doctor = wk_engine::doctor::OPERATIONS.iter().copied();
    let inventory = wk_watch::inventory::operations();
    let verify = wk_engine::verify::OPERATIONS.iter().copied();
    for operation in doctor.chain(adapters).chain(inventory).chain(verify) {
        let list = match operation.service {
            "sqs" => &mut permissions.queue,
            "sns" if operation.effect != Effect::Read => &mut permissions.topics,
            _ => &mut permissions.reader,
        };
        if !operation.permission.is_empty() {
            list.push(operation.permission.to_owned());
        }
    }
    for list in [&mut permissions.reader, &mut permissions.queue, &mut permissions.topics] {
        list.sort();
        list.dedup();
    }
    permissions
}

fn files(
    permissions: &Permissions,
    choices: &Choices,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).map(|text| text + "\n");
    let mut files = vec![
        ("reader-role.cloudformation.json", pretty(&reader::reader_stack(permissions, choices))?),
        ("reader-role.tf.json", pretty(&reader::reader_terraform(permissions, choices))?),
        ("hub.cloudformation.json", pretty(&reader::hub_stack(permissions, choices))?),
        ("hub.tf.json", pretty(&reader::hub_terraform(permissions, choices))?),
        ("config.toml", config(choices)),
    ];
    if !choices.log_buckets.is_empty() {
        files.push(("bucket-notification.json", pretty(&choices.notification())?));
    }
    Ok(files)
}

/// A first configuration. Every text in it was checked to hold no quote.
fn config(choices: &Choices) -> String {
    let quoted: Vec<String> = choices.log_buckets.iter().map(|b| format!("{b:?}")).collect();
    let mut text = format!(
        "# Copy this to the home directory of Watchkeeper; `watchkeeper doctor` says what is reachable.\n\
         \n\
         [aws]\n\
         region = {:?}\n\
         # The role by which other accounts are read (reader-role.*), and what its trust asks for.\n\
         role = {:?}\n\
         external_id = {:?}\n",
        choices.region, choices.role, choices.external_id
    );
    text.push_str(INVENTORY);
    if let Some(lake) = &choices.lake_bucket {
        text = format!(
            "{text}\n[lake]\nlocation = \"s3://{lake}/watchkeeper\"\nregion = {:?}\n",
            choices.region
        );
    }
    text = format!(
        "{text}\n\
         # The queue of hub.*: notifications of new objects, and findings.\n\
         [[queue]]\n\
         url = {:?}\n\
         region = {:?}\n\
         # Only these buckets may be named by messages.\n\
         buckets = [{}]\n\
         # What nobody could read ends there; `watchkeeper status` and a self-alert tell of it.\n\
         dead_letters = {:?}\n",
        choices.queue_arn(),
        choices.region,
        quoted.join(", "),
        choices.dead_letters_arn()
    );
    for bucket in &choices.log_buckets {
        text = format!(
            "{text}\n\
             # Now and then everything is listed, so that a lost notification is found.\n\
             [[listing]]\n\
             location = \"s3://{bucket}/AWSLogs/\"\n\
             region = {:?}\n",
            choices.region
        );
    }
    text + PEOPLE
}

/// What is asked of AWS every day.
const INVENTORY: &str = "
# Every day every account is asked how it is set up, and judged: `watchkeeper check list` says by what.
[inventory]
at = \"01:00\"
organization = true
";

/// Whom to tell is for the user to say; without it the record alone hears of findings.
const PEOPLE: &str = "
# Nobody is told of anything yet. The built-in routes tell the channels `page`, `ticket` and `operations`:
# guide.md, \"Notifications\", shows every kind, and `watchkeeper notify test NAME` tries one.
#[channels.page]
#kind = \"pagerduty\"
#routing_key = \"env:PAGERDUTY_KEY\"
";

fn tell(
    folder: &Path,
    files: &[(&str, String)],
    permissions: &Permissions,
    choices: &Choices,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "Written to {}:", folder.display())?;
    for (name, _) in files {
        writeln!(out, "  {name}")?;
    }
    let folder = folder.display();
    writeln!(
        out,
        "\nThe reader role allows {} actions, all of them reads, and denies what is never done.\n\
         External id: {}\n\nNext:\n\
         1. In account {}, the service's queue, rule and policy:\n   \
            aws cloudformation deploy --region {} --stack-name watchkeeper-hub --capabilities CAPABILITY_NAMED_IAM --template-file {folder}/hub.cloudformation.json\n   \
            and attach the policy watchkeeper-service to the role that the service runs as.\n\
         2. In every account, the reader role; with a stack set of the organization:\n   \
            aws cloudformation create-stack-set --stack-set-name watchkeeper-reader --permission-model SERVICE_MANAGED --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false --capabilities CAPABILITY_NAMED_IAM --template-body file://{folder}/reader-role.cloudformation.json\n   \
            The management account is not reached by stack sets: deploy it there by hand.",
        permissions.reader.len(),
        choices.external_id,
        choices.account,
        choices.region,
    )?;
    for bucket in &choices.log_buckets {
        writeln!(
            out,
            "3. Let s3://{bucket} tell the queue of new objects. This replaces the notifications that it has: look first.\n   \
               aws s3api get-bucket-notification-configuration --bucket {bucket}\n   \
               aws s3api put-bucket-notification-configuration --bucket {bucket} --notification-configuration file://{folder}/bucket-notification.json",
        )?;
    }
    writeln!(out, "4. Copy config.toml to the home directory, and run: watchkeeper doctor")
}

fn check(what: &str, text: &str, chars_max: usize, signs: &str) -> anyhow::Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || signs.contains(c);
    if (2..=chars_max).contains(&text.len()) && text.chars().all(fits) {
        return Ok(());
    }
    let wanted = format!("2 to {chars_max} letters, digits and {signs}");
    Err(Usage::error(format!("{what}: {text:?} is none: {wanted}")))
}

/// Not a secret, but nobody should guess it: 128 bits.
fn new_external_id() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("could not read /dev/urandom; name an id by --external-id")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The external id is nobody's business on a shared machine.
fn write_private(path: &Path, content: &str) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn choices() -> Choices {
        Choices {
            partition: "aws".into(),
            account: AccountId::try_from("111122223333".to_owned()).unwrap(),
            region: "eu-west-1".into(),
            role: "watchkeeper-reader".into(),
            external_id: "an-outside-id".into(),
            queue: "watchkeeper".into(),
            log_buckets: vec!["org-trail".into(), "flow.logs".into()],
            log_keys: Vec::new(),
            lake_bucket: Some("the-lake".into()),
            organization: None,
        }
    }

    #[test]
    fn the_configuration_that_is_written_is_understood() {
        let config: Config = toml::from_str(&config(&choices())).unwrap();
        let role = config.aws.settings().unwrap().role.unwrap();
        assert_eq!(role.external_id.as_deref(), Some("an-outside-id"));
        assert_eq!(config.queue[0].url, "arn:aws:sqs:eu-west-1:111122223333:watchkeeper");
        assert_eq!(config.queue[0].buckets, ["org-trail", "flow.logs"]);
        let dead = "arn:aws:sqs:eu-west-1:111122223333:watchkeeper-dead";
        assert_eq!(config.queue[0].dead_letters.as_deref(), Some(dead));
        assert_eq!(config.listing.len(), 2);
        assert_eq!(config.lake.location.as_deref(), Some("s3://the-lake/watchkeeper"));
    }

    #[test]
    fn the_reader_is_allowed_reads_only_and_all_that_the_calls_declare() {
        let permissions = permissions();
        let reads = ["Describe", "Filter", "Generate", "Get", "List"];
        for permission in &permissions.reader {
            let action = permission.split(':').nth(1).unwrap();
            assert!(reads.iter().any(|read| action.starts_with(read)), "{permission}");
        }
        for wanted in
            ["cloudtrail:GetTrailStatus", "logs:FilterLogEvents", "organizations:ListAccounts"]
        {
            assert!(permissions.reader.iter().any(|p| p == wanted), "{wanted}");
        }
        assert_eq!(permissions.topics, ["sns:Publish"]);
        assert!(permissions.queue.iter().all(|p| p.starts_with("sqs:")));
    }
}
