//! `watchkeeper setup export`

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde_json::json;
use wk_watch::posture::Posture;
use wk_watch::setup::export::{self, Exported};

use super::{Inventory, foundation};
use crate::cli::Exit;
use crate::wire::App;

/// Write the foundation as CloudFormation or Terraform, with the order in which to deploy it.
///
/// The inventory tells which accounts and VPCs there are; without one, CloudFormation has no flow logs.
/// Nothing is asked of AWS and nothing is changed there.
#[derive(Args)]
pub(super) struct Export {
    /// The form
    #[arg(long, value_enum)]
    format: Form,
    /// The foundation file [default: foundation.yaml of the home directory]
    #[arg(value_name = "FILE")]
    foundation: Option<PathBuf>,
    #[command(flatten)]
    inventory: Inventory,
    /// A folder for the files; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "watchkeeper-foundation")]
    out: PathBuf,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "lower")]
enum Form {
    CloudFormation,
    Terraform,
}

impl Export {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let foundation = foundation(self.foundation.as_ref(), app)?;
        let form = match self.format {
            Form::CloudFormation => export::Format::CloudFormation,
            Form::Terraform => export::Format::Terraform,
        };
        let posture = self.inventory.caught(app).await?.map(|(_, caught)| Posture::of(caught));
        let exported = export::export(&foundation, posture.as_ref(), form);
        self.write(&exported)?;
        let mut names: Vec<&str> = exported.files.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        if self.json {
            let folder = self.out.display().to_string();
            let told = json!({"folder": folder, "files": names, "notes": exported.notes, "missing": exported.missing});
            writeln!(out, "{told:#}")?;
        } else {
            writeln!(out, "Written to {}:", self.out.display())?;
            for name in names {
                writeln!(out, "  {name}")?;
            }
            writeln!(out, "\nREADME.txt says in which order they are deployed.")?;
            for note in exported.missing.iter().chain(&exported.notes) {
                writeln!(out, "* {note}")?;
            }
        }
        Ok(if exported.missing.is_empty() { Exit::Ok } else { Exit::Partial })
    }

    fn write(&self, exported: &Exported) -> anyhow::Result<()> {
        for file in &exported.files {
            let path = self.out.join(&file.name);
            if !self.force && path.try_exists()? {
                bail!("{} is there already; use another --out, or --force", path.display());
            }
        }
        for file in &exported.files {
            let path = self.out.join(&file.name);
            let folder = path.parent().unwrap_or(&self.out);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, &file.text))
                .with_context(|| format!("could not write {}", path.display()))?;
        }
        Ok(())
    }
}
