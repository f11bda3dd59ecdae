//! SNS: publications are kept, and subjects are held to their limits.

use serde_json::{Value, json};

use super::Asked;
use crate::answer::Refusal;
use crate::world::World;

pub(super) fn carry_out(asked: &Asked, world: &mut World) -> Option<Result<Value, Refusal>> {
    (asked.action == "Publish").then(|| publish(asked, world))
}

fn publish(asked: &Asked, world: &mut World) -> Result<Value, Refusal> {
    let invalid = |why: &str| Refusal::new(400, "InvalidParameter", why);
    let to = asked.text("TopicArn").or(asked.text("PhoneNumber"));
    let to = to.ok_or_else(|| invalid("TopicArn or PhoneNumber"))?.to_owned();
    let message = asked.required("Message")?.to_owned();
    if message.len() > 262_144 {
        return Err(invalid("Message too long"));
    }
    if let Some(subject) = asked.text("Subject") {
        let fits = subject.len() <= 100 && subject.chars().all(|c| c.is_ascii() && !c.is_control());
        if !fits || subject.is_empty() {
            return Err(invalid("Subject"));
        }
    }
    let number = world.next_number();
    world.here(&asked.account, &asked.region).published.push((to, message));
    Ok(json!({"MessageId": format!("published-{number}")}))
}
