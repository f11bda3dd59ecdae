//! What the ledger knows of the rules that were loaded.

use wk_case::rule_changes;
use wk_seam::triage::{KnownRule, KnownRules, RuleSetChange, Triage as _};
use wk_watch::detect::Detections;

use super::App;

/// How often it is tried again when another process was faster.
const TRIES: usize = 5;
/// The entries that stand for the modes of all rules, and for the lists that they ask.
const MODES: &str = "modes";
const LISTS: &str = "lists";

/// Who changed the rules, as far as somebody says so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Who changed them.
    pub(crate) author: Option<String>,
    /// Who agreed.
    pub(crate) approver: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
}

impl App {
    /// Notes which rules were loaded, if the ledger last knew others. Answers what changed.
    pub(crate) async fn note_rules(
        &self,
        detections: &Detections,
        said: &Said,
    ) -> anyhow::Result<Option<RuleSetChange>> {
        for _ in 0..TRIES {
            let Some(change) = self.rule_change(detections, said).await? else { return Ok(None) };
            if self.ledger.note_rules(&change, &known(detections)).await? {
                return Ok(Some(change));
            }
        }
        anyhow::bail!("other processes changed the rules again and again; try once more")
    }

    /// How the rules differ from those that the ledger last knew; nothing if they do not.
    pub(crate) async fn rule_change(
        &self,
        detections: &Detections,
        said: &Said,
    ) -> anyhow::Result<Option<RuleSetChange>> {
        let before = self.ledger.known_rules().await?;
        if before.as_ref().is_some_and(|known| known.hash == detections.hash()) {
            return Ok(None);
        }
        let KnownRules { hash, rules } = before.clone().unwrap_or_default();
        let (changes, more) = rule_changes::between(&rules, &known(detections));
        Ok(Some(RuleSetChange {
            at: self.clock.now(),
            hash: detections.hash().to_owned(),
            before: before.map(|_| hash),
            author: said.author.clone(),
            approver: said.approver.clone(),
            reason: said.reason.clone(),
            changes,
            more,
        }))
    }
}

/// The rules with their texts; modes and lists stand among them as one more each.
fn known(detections: &Detections) -> Vec<KnownRule> {
    let rule = |known: wk_watch::detect::Known<'_>| KnownRule {
        id: known.rule.id.clone(),
        title: known.title.to_owned(),
        version: known.rule.version.clone(),
        author: known.author.map(str::to_owned),
        text: detections.text_of(known.file).unwrap_or_default().to_owned(),
    };
    let mut rules: Vec<KnownRule> = detections.every().map(rule).collect();
    let mut beside = |id: &str, title: &str, text: String| {
        if !text.is_empty() {
            let version = wk_model::Sha256::of(text.as_bytes()).short();
            let (id, title) = (id.to_owned(), title.to_owned());
            rules.push(KnownRule { id, title, version, author: None, text });
        }
    };
    beside(MODES, "which rules are off or only tried", detections.modes_text());
    let lists = detections.surroundings().lists_text().to_owned();
    beside(LISTS, "the lists that rules ask", lists);
    rules
}
