//! After a command that changed the ledger: what it gained is written beside the lake.

use anyhow::Context as _;

use crate::wire::App;

/// Writes what the journal lacks. Of two processes at once each writes its part.
pub(crate) async fn write(app: &App) -> anyhow::Result<()> {
    let scratch = app.home.path().join("scratch");
    let name = format!("journal-{}.tmp", std::process::id());
    super::backup::make_folder(&scratch)?;
    let temporary = scratch.join(name);
    if let Some(entry) = app.ledger.journal_entry(&temporary).await? {
        app.lake().await?; // never beside the files of another ledger
        app.files().await?.take(&entry.path, &temporary).await?;
        app.ledger.journaled(&entry).await?;
        // In a store it was copied.
        if temporary.try_exists()? {
            std::fs::remove_file(&temporary)
                .with_context(|| format!("could not remove {}", temporary.display()))?;
        }
    }
    Ok(())
}
