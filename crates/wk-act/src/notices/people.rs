//! What a person does to an alarm, and to what people are told.

use serde_json::json;
use wk_model::notice::NoticeKind;

use super::desk::Silence;
use super::group::Taken;
use super::tell::Heard;
use super::turn::Turn;

impl Turn<'_> {
    /// Notes who takes an alarm: nobody else is asked, nothing is repeated, and the channels hear of
    /// it. False if there is no such group, or somebody took it before.
    pub fn acknowledge(&mut self, slot: &str, by: &str, note: &str) -> bool {
        self.take(slot, by, note, Heard::Here)
    }

    /// The same for what PagerDuty told us: it need not hear of it.
    pub fn taken_there(&mut self, slot: &str, by: &str, note: &str) -> bool {
        self.take(slot, by, note, Heard::InPagerDuty)
    }

    /// Ends an alarm because a person says that it is over. False if there is no such group.
    pub fn resolve(&mut self, slot: &str, by: &str, note: &str) -> bool {
        self.end(slot, by, note, Heard::Here)
    }

    /// The same for what PagerDuty told us.
    pub fn over_there(&mut self, slot: &str, by: &str, note: &str) -> bool {
        self.end(slot, by, note, Heard::InPagerDuty)
    }

    fn take(&mut self, slot: &str, by: &str, note: &str, heard: Heard) -> bool {
        let Some(mut group) = self.groups.remove(slot) else { return false };
        let free = group.taken.is_none();
        if free {
            let severity = group.severity();
            let (by, note) = (by.to_owned(), note.to_owned());
            let lead = format!("Taken by {by}: ");
            self.tell_followers(&mut group, NoticeKind::Acknowledge, &lead, &note, heard);
            let line = json!({"alarm": group.alarm, "at": self.now.to_string(), "by": by,
                "kind": "acknowledged", "note": note});
            self.made.lines.push(line.to_string());
            group.taken = Some(Taken { by, at: self.now, note, severity });
            (group.ladder, group.repeat_at) = (None, None);
        }
        self.groups.insert(slot.to_owned(), group);
        free
    }

    fn end(&mut self, slot: &str, by: &str, note: &str, heard: Heard) -> bool {
        let Some(mut group) = self.groups.remove(slot) else { return false };
        self.tell_followers(&mut group, NoticeKind::Resolve, "Over: ", note, heard);
        let line = json!({"alarm": group.alarm, "at": self.now.to_string(), "by": by,
            "kind": "resolved", "note": note});
        self.made.lines.push(line.to_string());
        self.closed.insert(slot.to_owned());
        true
    }

    /// Places a silence.
    pub fn silence(&mut self, silence: Silence) {
        let matchers: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
        let line = json!({"author": silence.author, "comment": silence.comment,
            "ends": silence.ends.to_string(), "id": silence.id, "kind": "silence",
            "matchers": matchers, "owner": silence.owner, "starts": silence.starts.to_string()});
        self.made.lines.push(line.to_string());
        self.desk.silences.push(silence);
    }

    /// Ends a silence now. False if none of this name counts or will count.
    pub fn expire(&mut self, id: &str, by: &str) -> bool {
        let now = self.now;
        let found = self.desk.silences.iter_mut().find(|s| s.id == id && s.ends > now);
        let Some(silence) = found else { return false };
        silence.ends = now;
        let line = json!({"at": now.to_string(), "by": by, "id": id, "kind": "silence-expired"});
        self.made.lines.push(line.to_string());
        true
    }
}
