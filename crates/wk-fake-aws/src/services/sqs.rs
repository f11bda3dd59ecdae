//! SQS: messages come again after their time of invisibility, by the stand-in's clock.

use serde_json::{Value, json};
use wk_model::Timestamp;

use super::Asked;
use crate::answer::Refusal;
use crate::world::{Queued, World};

pub(super) fn carry_out(
    asked: &Asked,
    world: &mut World,
    now: Timestamp,
) -> Option<Result<Value, Refusal>> {
    Some(match asked.action.as_str() {
        "GetQueueUrl" => url(asked, world),
        "ReceiveMessage" => receive(asked, world, now),
        "DeleteMessageBatch" => each(asked, world, |messages, number, _| {
            messages.retain(|message| message.number != number);
            Ok(())
        }),
        "ChangeMessageVisibilityBatch" => each(asked, world, |messages, number, entry| {
            let seconds = entry["VisibilityTimeout"].as_i64().unwrap_or(-1);
            if !(0..=43_200).contains(&seconds) {
                return Err("InvalidParameterValue");
            }
            match messages.iter_mut().find(|message| message.number == number) {
                Some(message) if message.hidden_until > now => {
                    message.hidden_until = now.plus_seconds(seconds);
                    Ok(())
                }
                Some(_) => Err("MessageNotInflight"),
                None => Err("InvalidParameterValue"),
            }
        }),
        "GetQueueAttributes" => attributes(asked, world, now),
        _ => return None,
    })
}

fn missing() -> Refusal {
    Refusal::new(
        400,
        "AWS.SimpleQueueService.NonExistentQueue",
        "the specified queue does not exist",
    )
}

fn url(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    let name = asked.required("QueueName")?;
    let owner = asked.text("QueueOwnerAWSAccountId").unwrap_or(&asked.account);
    let here = asked.here(world)?;
    if owner != asked.account || !here.queues.contains_key(name) {
        return Err(missing());
    }
    Ok(json!({"QueueUrl": format!("http://{}/{owner}/{name}", asked.host)}))
}

fn queue<'a>(asked: &Asked, world: &'a mut World) -> Result<&'a mut Vec<Queued>, Refusal> {
    let url = asked.required("QueueUrl")?.to_owned();
    let mut parts = url.rsplit('/');
    let (name, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if account != asked.account {
        return Err(Refusal::new(403, "AccessDenied", "the queue is another account's"));
    }
    let account = world.accounts.get_mut(account).ok_or_else(missing)?;
    let here = account.regions.get_mut(&asked.region).ok_or_else(missing)?;
    here.queues.get_mut(name).ok_or_else(missing)
}

fn receive(asked: &Asked, world: &mut World, now: Timestamp) -> Result<Value, Refusal> {
    let number = |name: &str, else_: i64| {
        asked.parameters.get(name).and_then(Value::as_i64).unwrap_or(else_)
    };
    let (max, hidden) = (number("MaxNumberOfMessages", 1), number("VisibilityTimeout", 30));
    if !(1..=10).contains(&max)
        || !(0..=43_200).contains(&hidden)
        || !(0..=20).contains(&number("WaitTimeSeconds", 0))
    {
        return Err(Refusal::new(400, "InvalidParameterValue", "a number is beyond its limits"));
    }
    let mut given = Vec::new();
    let seen = queue(asked, world)?.iter_mut().filter(|message| message.hidden_until <= now);
    for message in seen.take(usize::try_from(max).unwrap_or(1)) {
        message.deliveries += 1;
        message.hidden_until = now.plus_seconds(hidden);
        given.push(json!({
            "MessageId": format!("m-{}", message.number),
            "ReceiptHandle": format!("{}-{}", message.number, message.deliveries),
            "Body": message.body,
            "Attributes": {
                "ApproximateReceiveCount": message.deliveries.to_string(),
                "SentTimestamp": (message.sent.micros() / 1000).to_string(),
            },
        }));
    }
    // An empty queue names no messages at all, as SQS does.
    Ok(if given.is_empty() { json!({}) } else { json!({"Messages": given}) })
}

/// Ten entries at most, each with an id of its own; each is done or has failed by itself.
fn each(
    asked: &Asked,
    world: &mut World,
    act: impl Fn(&mut Vec<Queued>, u64, &Value) -> Result<(), &'static str>,
) -> Result<Value, Refusal> {
    let entries = asked.parameters["Entries"].as_array().cloned().unwrap_or_default();
    if entries.is_empty() || entries.len() > 10 {
        return Err(Refusal::new(
            400,
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            "1 to 10 entries",
        ));
    }
    let messages = queue(asked, world)?;
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for entry in &entries {
        let handle = entry["ReceiptHandle"].as_str().unwrap_or_default();
        let number = handle.split_once('-').and_then(|(number, _)| number.parse().ok());
        let acted = match number {
            Some(number) => act(messages, number, entry),
            None => Err("ReceiptHandleIsInvalid"),
        };
        match acted {
            Ok(()) => done.push(json!({"Id": entry["Id"]})),
            Err(code) => {
                failed.push(json!({"Id": entry["Id"], "Code": code, "SenderFault": true}));
            }
        }
    }
    Ok(json!({"Successful": done, "Failed": failed}))
}

fn attributes(asked: &Asked, world: &mut World, now: Timestamp) -> Result<Value, Refusal> {
    // SQS counts approximately, and for a while it counts what was.
    let stale = world.stale_reads > 0;
    world.stale_reads = world.stale_reads.saturating_sub(1);
    let messages = queue(asked, world)?;
    let hidden = messages.iter().filter(|message| message.hidden_until > now).count();
    let (waiting, hidden) =
        if stale { (messages.len(), 0) } else { (messages.len() - hidden, hidden) };
    Ok(json!({"Attributes": {
        "ApproximateNumberOfMessages": waiting.to_string(),
        "ApproximateNumberOfMessagesNotVisible": hidden.to_string(),
        "ApproximateNumberOfMessagesDelayed": "0",
    }}))
}
