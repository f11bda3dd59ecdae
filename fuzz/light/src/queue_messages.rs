//! Any text is a message that names objects, is a record, asks for nothing, or is not understood; in SNS's
//! wrapping it says the same.

use wk_watch::messages::{Says, says};

/// The bytes are the message's body.
pub fn check(data: &[u8]) {
    let Ok(body) = std::str::from_utf8(data) else { return };
    let said = says(body);
    match &said {
        Says::Objects(named) => {
            assert!(!named.is_empty() && named.len() <= 1_000, "{} objects", named.len());
            for one in named {
                assert!(!one.bucket.is_empty() && !one.key.is_empty(), "{one:?}");
                assert!(one.bucket.len() + one.key.len() <= body.len(), "longer than the message");
            }
        }
        Says::Record(text) => assert_eq!(text.trim(), body.trim(), "a record is the message"),
        Says::Unknown(why) => {
            assert!(!why.is_empty() && why.len() < 1_000 && !why.ends_with('.'), "{why:?}");
        }
        Says::Test | Says::Notice => {}
    }
    let wrapped = wrapped(body);
    match (said, says(&wrapped)) {
        // One wrapping more may be one too many.
        (_, Says::Unknown(why)) if why.contains("nest too deeply") => {}
        (Says::Record(_), Says::Record(whole)) => assert_eq!(whole, wrapped),
        (Says::Unknown(_), Says::Unknown(_)) => {}
        (bare, in_sns) => assert_eq!(bare, in_sns, "SNS's wrapping says otherwise"),
    }
}

fn wrapped(body: &str) -> String {
    serde_json::json!({
        "Type": "Notification",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:logs",
        "Message": body,
    })
    .to_string()
}
