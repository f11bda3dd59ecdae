//! What PagerDuty knows, by its REST API v2, which is only read: who is on call, and what people did
//! with an incident.
//!
//! * <https://developer.pagerduty.com/api-reference/3a6b910f11050-list-all-of-the-on-calls>,
//!   <https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents>
//! * A call ends after 8 s and reads at most 1 MiB; an answer that goes on is asked for to its end, and
//!   is no answer where that end does not come within ten pages.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;
use wk_model::Timestamp;
use wk_seam::Future;
use wk_seam::clock::Clock;
use wk_seam::courier::SecretName;
use wk_seam::pager::{Incident, OnCall, Pager, Unheard};

use crate::Unset;
use crate::http::{Http, is_this_machine};
use crate::outcome::said;
use crate::secret::Secret;

/// A whole call.
const CALL_LIMIT: Duration = Duration::from_secs(8);
/// What is read of an answer.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Entries of a page, which is the most that PagerDuty gives.
const PAGE: usize = 100;
/// Pages of an answer.
const PAGES_MAX: usize = 10;
/// Characters of a name, an id or a mail address.
const NAME_CHARS: usize = 200;

/// PagerDuty's REST API with a token that may read.
pub struct PagerDuty {
    http: Http,
    base: String,
    token: SecretName,
    schedules: Vec<String>,
}

impl PagerDuty {
    /// The API at this address, asked about these schedules by the token that lies there.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(
        clock: Arc<dyn Clock>,
        base: &str,
        token: SecretName,
        schedules: Vec<String>,
    ) -> Result<Self, Unset> {
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { http: Http::new(clock)?, base, token, schedules })
    }

    /// Everything of a list that PagerDuty gives page by page.
    async fn list(
        &self,
        what: &'static str,
        query: &[(&str, String)],
    ) -> Result<Vec<Value>, Unheard> {
        let mut all = Vec::new();
        for page in 0..PAGES_MAX {
            let mut query = query.to_vec();
            query.push(("limit", PAGE.to_string()));
            query.push(("offset", (page * PAGE).to_string()));
            let mut answer = self.get(what, &query).await?;
            match answer.get_mut(what).map(Value::take) {
                Some(Value::Array(some)) => all.extend(some),
                _ => return Err(unheard(format!("the answer of {} has no {what}", self.host()))),
            }
            if answer.get("more").and_then(Value::as_bool) != Some(true) {
                return Ok(all);
            }
        }
        Err(unheard(format!("{} tells of more than {} {what}", self.host(), PAGES_MAX * PAGE)))
    }

    async fn get(&self, what: &str, query: &[(&str, String)]) -> Result<Value, Unheard> {
        let address = || unheard("the address of PagerDuty's API is none".to_owned());
        let mut url = Url::parse(&format!("{}/{what}", self.base)).map_err(|_| address())?;
        url.query_pairs_mut().extend_pairs(query);
        let host = self.host();
        let inside = is_this_machine(url.host_str().unwrap_or_default());
        if url.scheme() != "https" && !(url.scheme() == "http" && inside) {
            let why = format!("the token would go to {host} in the clear; use https://");
            return Err(unheard(why));
        }
        let token = Secret::read(&self.token).map_err(|e| unheard(e.to_string()))?;
        let mut header = HeaderValue::from_str(&format!("Token token={}", token.expose()))
            .map_err(|_| unheard("the token has characters that HTTP does not allow".to_owned()))?;
        header.set_sensitive(true);
        let mut request = reqwest::Request::new(Method::GET, url);
        *request.timeout_mut() = Some(CALL_LIMIT);
        request.headers_mut().insert(AUTHORIZATION, header);
        let form = HeaderValue::from_static("application/vnd.pagerduty+json;version=2");
        request.headers_mut().insert(ACCEPT, form);
        let fetched = self.http.fetch(request, inside, ANSWER_BYTES_MAX).await;
        let fetched = fetched.map_err(unheard)?;
        if !fetched.status.is_success() {
            let why = said(&fetched.body, &[token]);
            let reason = format!("{host} answered {}: {why}", fetched.status);
            return Err(Unheard { reason, after_seconds: fetched.after });
        }
        if !fetched.whole {
            return Err(unheard(format!("the answer of {host} does not end, or is above 1 MiB")));
        }
        serde_json::from_slice(&fetched.body)
            .map_err(|_| unheard(format!("the answer of {host} is no JSON")))
    }

    fn host(&self) -> String {
        let url = Url::parse(&self.base).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl Pager for PagerDuty {
    fn on_call(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Future<'_, Result<Vec<OnCall>, Unheard>> {
        Box::pin(async move {
            let mut query = vec![
                ("since", from.to_string()),
                ("until", until.to_string()),
                ("include[]", "users".to_owned()),
            ];
            query.extend(self.schedules.iter().map(|id| ("schedule_ids[]", id.clone())));
            let all = self.list("oncalls", &query).await?;
            let mut people: Vec<OnCall> = Vec::new();
            for entry in &all {
                let one = on_call(entry)
                    .map_err(|why| unheard(format!("{} tells of an on-call {why}", self.host())))?;
                // One schedule may stand in several escalation policies.
                if !people.contains(&one) {
                    people.push(one);
                }
            }
            Ok(people)
        })
    }

    fn incident<'a>(&'a self, key: &'a str) -> Future<'a, Result<Option<Incident>, Unheard>> {
        Box::pin(async move {
            let query = [("incident_key", key.to_owned()), ("date_range", "all".to_owned())];
            Ok(became(&self.list("incidents", &query).await?))
        })
    }
}

fn unheard(reason: String) -> Unheard {
    Unheard { reason, after_seconds: None }
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    let text = value.pointer(pointer)?.as_str()?;
    Some(text.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect())
}

/// Somebody on call; else what is wrong with the entry.
fn on_call(entry: &Value) -> Result<OnCall, &'static str> {
    let id = text(entry, "/user/id").ok_or("without a user")?;
    let time = |key: &str| match entry.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match Timestamp::parse(text) {
            Ok(at) => Ok(Some(at)),
            Err(_) => Err("whose times cannot be read"),
        },
        Some(_) => Err("whose times cannot be read"),
    };
    let name = text(entry, "/user/name").or_else(|| text(entry, "/user/summary"));
    Ok(OnCall {
        name: name.unwrap_or_else(|| id.clone()),
        mail: text(entry, "/user/email"),
        from: time("start")?,
        until: time("end")?,
        id,
    })
}

/// What became of the incidents of one key; several services may have one each. What no person did is
/// no answer: PagerDuty resolves by itself when a timer runs out.
fn became(incidents: &[Value]) -> Option<Incident> {
    let by_person = |incident: &Value| {
        let kind = text(incident, "/last_status_change_by/type").unwrap_or_default();
        kind.starts_with("user").then(|| text(incident, "/last_status_change_by/summary"))
    };
    let mut taken = None;
    let mut over = Vec::new();
    for incident in incidents {
        match (text(incident, "/status").as_deref(), by_person(incident)) {
            (Some("resolved"), Some(by)) => over.push(by.unwrap_or_default()),
            (Some("acknowledged"), by) => {
                let who = text(incident, "/acknowledgements/0/acknowledger/summary");
                taken = taken.or(Some(who.or(by.flatten()).unwrap_or_default()));
            }
            _ => {}
        }
    }
    match over.into_iter().next() {
        None if incidents.is_empty() => None,
        None => Some(taken.map_or(Incident::Open, |by| Incident::Taken { by })),
        Some(by) if resolved(incidents) => Some(Incident::Over { by }),
        // One of several services is done with it: that is as good as taken.
        Some(by) => Some(Incident::Taken { by }),
    }
}

fn resolved(incidents: &[Value]) -> bool {
    incidents.iter().all(|incident| text(incident, "/status").as_deref() == Some("resolved"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_did_counts_and_what_a_timer_did_does_not() {
        let incident = |status: &str, kind: &str| json!({"status": status, "last_status_change_by": {"type": kind, "summary": "Ada"}});
        let by = || "Ada".to_owned();
        let user = "user_reference";
        assert_eq!(became(&[]), None);
        assert_eq!(became(&[incident("triggered", "service_reference")]), Some(Incident::Open));
        assert_eq!(became(&[incident("acknowledged", user)]), Some(Incident::Taken { by: by() }));
        assert_eq!(became(&[incident("resolved", user)]), Some(Incident::Over { by: by() }));
        assert_eq!(
            became(&[incident("resolved", "service_reference")]),
            Some(Incident::Open),
            "a timer ran out"
        );
        let two = [incident("resolved", user), incident("triggered", "service_reference")];
        assert_eq!(became(&two), Some(Incident::Taken { by: by() }));
        assert_eq!(became(&[json!({"status": 7}), json!("x")]), Some(Incident::Open));
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_said() {
        assert_eq!(on_call(&json!({"start": null})), Err("without a user"));
        let bad = json!({"user": {"id": "P1"}, "start": "today"});
        assert_eq!(on_call(&bad), Err("whose times cannot be read"));
        let always = json!({"user": {"id": "P1", "summary": "Ada\n"}, "start": null, "end": null});
        let expected = OnCall { id: "P1".into(), name: "Ada".into(), ..OnCall::default() };
        assert_eq!(on_call(&always), Ok(expected));
    }
}
